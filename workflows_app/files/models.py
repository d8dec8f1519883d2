"""An organization's files, and which executions hold them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from uuid6 import uuid7


class StoredFile(models.Model):
    """A file as it was stored; it never changes. It goes when no execution holds it any more."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100, help_text="What its name and content say, not its sender.")
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    scanned = models.BooleanField(help_text="A virus scan let it pass; false where there is none.")
    created_by = models.JSONField(help_text='{"kind", "id", "email", "name"} as they were.')
    uploader = models.CharField(max_length=80, help_text="Kind and id of who made it; a run's file: who started it.")
    key = models.CharField(max_length=64, null=True, unique=True, help_text="Of the step that saved it.")
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["uploader"], name="storedfile_uploader")]

    def __str__(self) -> str:
        return self.name


class FileUse(models.Model):
    """An execution holds a file: it was given to it, or it has saved it. Whoever may read the one may read the other.

    Written before the execution is, so that no file goes in between.
    """

    pk = models.CompositePrimaryKey("file_id", "execution_id")
    # DO_NOTHING: a file is deleted by itself, without reading its content, and never while it is held.
    file = models.ForeignKey(StoredFile, on_delete=models.DO_NOTHING, db_index=False, related_name="uses")
    execution = models.ForeignKey(
        "workflows_app.Execution", on_delete=models.DO_NOTHING, db_constraint=False, related_name="files"
    )
    created_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return f"{self.file_id} {self.execution_id}"
