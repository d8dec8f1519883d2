"""The shared run queue: which executions are not finished, which are, and which processes work on them.

No customer data lies here; an organization's own schema holds the execution and its journal.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from uuid6 import uuid7


class Worker(models.Model):
    """One incarnation of a process that runs executions. Deleting the row fences it: each of its writes takes the row's
    share lock first, and finds no row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    beat = models.PositiveBigIntegerField(default=0, help_text="Raised at each beat; its value carries no time.")
    beat_at = models.DateTimeField(db_default=TransactionNow())
    started_at = models.DateTimeField(db_default=TransactionNow())
    code_version = models.CharField(max_length=64, blank=True)
    capacity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"


class Dispatch(models.Model):
    """An execution that is not finished."""

    execution = models.UUIDField(primary_key=True)
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100)
    status = models.CharField(max_length=24)
    priority = models.SmallIntegerField(default=1)
    run_at = models.DateTimeField(db_default=TransactionNow())
    worker = models.UUIDField(null=True)
    epoch = models.PositiveIntegerField(default=1)
    inbox = models.PositiveIntegerField(default=0)
    reason = models.CharField(
        max_length=200, blank=True, db_default="", help_text="Why it waits or was taken back, in words."
    )

    class Meta:
        verbose_name = "queued execution"
        verbose_name_plural = "run queue"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["organization", "priority", "run_at"],
                name="dispatch_claimable",
                condition=models.Q(status="Queued"),
            )
        ]

    def __str__(self) -> str:
        return str(self.execution)


class Fleet(models.Model):
    """A finished execution, as thin as the staff's pages need it."""

    execution = models.UUIDField(primary_key=True)
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100)
    status = models.CharField(max_length=24)
    finished_at = models.DateTimeField(db_default=TransactionNow())
    duration_ms = models.PositiveBigIntegerField(null=True)

    class Meta:
        verbose_name_plural = "fleet"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "-finished_at"], name="fleet_organization"),
            models.Index(fields=["-finished_at"], name="fleet_finished"),
        ]

    def __str__(self) -> str:
        return str(self.execution)


class CodeVersion(models.Model):
    """The sources of a workflow and of the workspace modules that it imports, kept once per hash."""

    hash = models.CharField(max_length=64, primary_key=True)
    files = models.JSONField(help_text="Path inside the workspace to source text.")
    stored_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return self.hash[:12]
