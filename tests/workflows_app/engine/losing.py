"""A worker that dies in the middle of a run, inside the test's own process."""

from __future__ import annotations

from typing import Any

from orgs.tenancy import shared_context
from workflows_app import recovery
from workflows_app.dispatch.models import Worker
from workflows_app.engine import process


def lose(engine: Any) -> None:
    """As the others see it: its row is gone, it writes nothing more, and what it held is queued again."""
    with shared_context():
        Worker.objects.filter(id=engine.id).delete()
        engine.lost()
        process.stop(grace=0)
        recovery.recover_orphans()
