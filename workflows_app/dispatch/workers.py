"""The rows of processes that run executions: their beats, and fencing those that died (engine.md, section 4)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import F

from workflows_app.dispatch.models import Dispatch, Worker

# For people who ask whether somebody works: a worker that has beaten within this time. Who is dead, the sweep decides.
ALIVE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Beat:
    """What a poll saw of one worker."""

    label: str
    beat: int


def label(kind: str, worker: UUID) -> str:
    """What journals call it: customers read them, so it names no host."""
    return f"{kind}-{worker.hex[-8:]}"


def register(kind: str, capacity: int, code_version: str = "") -> UUID:
    """Adds a row for this incarnation of the process and returns its id."""
    row = Worker.objects.create(
        host=settings.HOST_NAME, pid=os.getpid(), kind=kind, capacity=capacity, code_version=code_version
    )
    return row.id


def beat(worker: UUID) -> bool:
    """Says that the worker lives. False: its row is gone, and with it the right to write anything."""
    return bool(Worker.objects.filter(id=worker).update(beat=F("beat") + 1, beat_at=TransactionNow()))


def retire(worker: UUID) -> None:
    """Removes the worker's row; what it still holds is found by the next sweep."""
    Worker.objects.filter(id=worker).delete()


def beats() -> Mapping[UUID, Beat]:
    """All workers and their beat counters."""
    return {row.id: Beat(label(row.kind, row.id), row.beat) for row in Worker.objects.all()}


def fence(worker: UUID, seen: Beat, silent_seconds: float) -> bool:
    """Deletes the worker's row if its counter still stands where it was seen, and says why on what it held.

    The delete waits for transactions of the worker that are under way. False: it has beaten since, or another process
    was faster.
    """
    with transaction.atomic():
        deleted, _ = Worker.objects.filter(id=worker, beat=seen.beat).delete()
        if deleted:
            reason = f"worker {seen.label} last seen {silent_seconds:.0f} s ago"
            Dispatch.objects.filter(worker=worker).update(reason=reason)
    return bool(deleted)
