"""An organization is dropped while its executions run: their code ends and cleans up, and nothing else stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.engine import inbox
from workflows_app.engine.intake import Intake

TALKING = """
    @workflow(execution_mode="async")
    async def talking(context, file: str):
        try:
            while True:
                await asyncio.sleep(0.01)
                context.log("info", "here")
        finally:
            open(file, "w").close()
"""


def test_code_that_asks_its_context_first_cleans_up(
    workspace: Workspace,
    acme: OrganizationRecord,
    worker: Worker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It hears of it by its next call, before it is stopped."""
    workspace.add(TALKING)
    engine = worker.start()
    monkeypatch.setattr(engine, "stop_run", lambda run, reason: None)
    worker.submit("talking", file=str(tmp_path / "cleaned up"))
    [run] = eventually(lambda: [run for run in engine.runs.values() if run.stop], "run")

    engine.forget(run)

    eventually((tmp_path / "cleaned up").exists, "end of its code")


def test_inboxes_are_read_however_much_there_is_to_claim(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = worker.start()
    reads: list[Any] = []
    monkeypatch.setattr(inbox, "read", reads.append)
    monkeypatch.setattr(Intake, "_claim", lambda self: True)
    engine.wake()
    eventually(lambda: len(reads) > 3, "reads")
