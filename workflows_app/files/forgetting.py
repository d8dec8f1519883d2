"""Files go with the last execution that holds them, and a day after their upload where none ever did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from workflows_app.files.models import FileUse, StoredFile
from workflows_app.models import Execution

UNUSED_FOR = timedelta(days=1)
AT_ONCE = 200


def forget_of(executions: Sequence[UUID]) -> None:
    """Those that only these executions hold. Call in the organization's context, in a transaction."""
    held = FileUse.objects.filter(execution_id__in=executions)
    files = set(held.values_list("file_id", flat=True))
    _delete(held)
    _forget(Q(id__in=files))


def forget_unused(now: datetime) -> None:
    """Uploads that nobody used within a day. Call in the organization's context."""
    before = now - UNUSED_FOR
    with transaction.atomic():
        # A start that was refused in the end has left no execution.
        begun = Exists(Execution.objects.filter(id=OuterRef("execution_id")))
        _delete(FileUse.objects.filter(~begun, created_at__lt=before))
        _forget(Q(created_at__lt=before))


def _forget(which: Q) -> None:
    """What is just being taken into use is locked, and is left."""
    unheld = ~Exists(FileUse.objects.filter(file=OuterRef("pk")))
    rows = StoredFile.objects.filter(unheld, which).order_by("id")
    ids: Iterable[UUID] = list(rows.select_for_update(skip_locked=True).values_list("id", flat=True)[:AT_ONCE])
    _delete(StoredFile.objects.filter(unheld, id__in=ids))


def _delete(rows: QuerySet[Any]) -> None:
    """Without reading them first, as Django does where anybody listens to deletions: a file's content may be large."""
    rows._raw_delete(rows.db)
