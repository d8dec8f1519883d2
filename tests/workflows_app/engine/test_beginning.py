"""Between the claim and the beginning of a run the connection may be lost at any moment: no run is lost with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from orgs import directory
from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import ADA, Workspace, journal
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import recovery, sending
from workflows_app.dispatch import claims
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import claimed
from workflows_app.executions import Outcome

TWICE = """
    @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 0.01})
    async def twice(context):
        context.log("info", f"attempt {context.attempt}")
        if context.attempt == 1:
            raise IntegrationError("once more")
        return "done"
"""


def cut_connection() -> None:
    """The server ends the calling thread's session, and caches know nothing."""
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    directory.forget()


@pytest.fixture
def cut_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], None]:
    """After each of the first two calls of the function."""

    def arrange(module: Any, name: str) -> None:
        function, left = getattr(module, name), [2]

        def calls(*arguments: Any) -> Any:
            answer = function(*arguments)
            if answer and left[0]:
                left[0] -= 1
                cut_connection()
            return answer

        monkeypatch.setattr(module, name, calls)

    return arrange


AFTER = [(claims, "claim"), (claimed, "begin"), (claimed, "journals"), (claimed, "run_of")]


@pytest.mark.parametrize(("module", "name"), AFTER)
def test_a_lost_connection_delays_a_run(
    module: Any,
    name: str,
    workspace: Workspace,
    acme: OrganizationRecord,
    worker: Worker,
    cut_after: Callable[[Any, str], None],
) -> None:
    workspace.add(TWICE)
    cut_after(module, name)
    worker.start()
    outcomes = [worker.submit("twice") for _ in range(3)]

    assert [worker.end_of(acme, outcome).result for outcome in outcomes] == ["done"] * 3

    for outcome in outcomes:
        assert [data["message"] for _, _, data in journal(acme, outcome, "log")] == ["attempt 1", "attempt 2"]
        ends = [name for _, name, _ in journal(acme, outcome, "status") if name == "Success"]
        assert ends == ["Success"]
    assert not Dispatch.objects.exists()


def test_a_lost_connection_delays_a_cancel(
    workspace: Workspace, acme: OrganizationRecord, worker: Worker, cut_after: Callable[[Any, str], None]
) -> None:
    workspace.add(TWICE.replace("0.01", "3600"))
    engine = worker.start()
    outcome = worker.submit("twice")
    execution = UUID(outcome.execution_id)
    eventually(lambda: Dispatch.objects.filter(execution=execution, status="Suspended").exists(), "pause")
    cut_after(claimed, "run_of")

    assert sending.cancel(acme, execution, ADA) == "Queued"
    worker.wake()

    assert worker.end_of(acme, outcome).status == "Cancelled"
    eventually(lambda: not engine.holds(execution), "end of its hold")


def test_a_claim_that_cannot_begin_harms_no_other(
    workspace: Workspace, acme: OrganizationRecord, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its organization's schema has just gone."""
    workspace.add(TWICE)
    outcomes = [worker.submit("twice") for _ in range(3)]
    run_of, refused = claimed.run_of, []

    def refuse_once(engine: Any, taken: Any, row: Any, rows: Any) -> Any:
        if not refused:
            refused.append(row.id)
            raise LookupError("its schema is gone")
        return run_of(engine, taken, row, rows)

    def refuse_to_write(*_: Any) -> None:
        raise ProgrammingError("its schema is gone")

    monkeypatch.setattr(claimed, "run_of", refuse_once)
    monkeypatch.setattr(recovery, "end_broken", refuse_to_write)
    worker.start()

    for outcome in outcomes:
        if UUID(outcome.execution_id) not in refused:
            assert worker.end_of(acme, outcome).result == "done"
    [first] = refused
    assert worker.end_of(acme, Outcome(str(first), "Queued")).result == "done"  # given back, and claimed again
