"""Between two attempts of a workflow: whatever arrives meanwhile, only a cancel ends the wait before its time."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.backing_off import let_be_due
from tests.workflows_app.engine.conftest import ADA, Workspace, caller, journal, recorded
from tests.workflows_app.engine.test_children import COMMAND, children_of
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import recovery, sending
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import ending, inbox
from workflows_app.engine.run import Run as EngineRun
from workflows_app.engine.stops import Cancelled
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import ExecutionEvent

HOURLY = """
    @workflow(execution_mode="async", retry_policy={"max_attempts": 3, "initial_interval_seconds": 3600,
              "max_interval_seconds": 3600})
    async def hourly(context, file: str, children: int = 0):
        for number in range(children):
            await context.start_workflow("child", {"number": number})
        with open(file, "a") as f:
            f.write("x")
        if context.attempt == 1:
            raise IntegrationError("not yet")
        return [await context.wait_for_signal("go"), await context.wait_for_signal("go")]

    @workflow(execution_mode="async")
    async def child(context, number: int):
        return await context.wait_for_signal("go")
"""


@pytest.fixture
def hourly(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(HOURLY)
    worker.start()
    return worker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "attempts"


def row_of(outcome: Outcome) -> Dispatch:
    return Dispatch.objects.get(execution=outcome.execution_id)


def put_aside(outcome: Outcome, claims: int) -> Dispatch:
    """Its row, once it is suspended after so many claims."""

    def found() -> Any:
        row = Dispatch.objects.filter(execution=outcome.execution_id, status="Suspended", epoch=claims)
        return row.first()

    row: Dispatch = eventually(found, f"wait after {claims} claims")
    return row


def due(organization: OrganizationRecord, outcome: Outcome) -> datetime:
    """When the next attempt begins, as its journal says."""
    with org_context(organization):
        lines = ExecutionEvent.objects.filter(execution=outcome.execution_id, data__has_key="until")
        return datetime.fromisoformat(str(lines.values_list("data__until", flat=True).last()))


def send(worker: Worker, organization: OrganizationRecord, execution: Any, body: Any) -> None:
    sending.signal(organization, UUID(str(execution)), "go", body, ADA)
    worker.wake()


def test_signals_do_not_shorten_it_and_the_next_attempt_gets_them(
    hourly: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = hourly.submit("hourly", file=str(file))
    first = put_aside(outcome, 1).run_at
    for number in (1, 2):
        send(hourly, acme, outcome.execution_id, number)
        row = put_aside(outcome, 1 + number)
        assert (row.run_at, row.reason) == (first, "attempt 2 is not due yet")
    assert first == due(acme, outcome)
    assert file.read_text() == "x"

    let_be_due(acme, outcome)
    hourly.wake()
    assert hourly.end_of(acme, outcome).result == [1, 2]
    record = recorded(acme, outcome)
    assert (file.read_text(), record.attempt, record.recoveries) == ("xx", 2, 0)


def test_what_is_unread_does_not_have_it_taken_again_and_again(
    hourly: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = hourly.submit("hourly", file=str(file))
    put_aside(outcome, 1)
    send(hourly, acme, outcome.execution_id, 1)
    put_aside(outcome, 2)

    other = hourly.submit("child", number=1)
    send(hourly, acme, other.execution_id, "now")
    assert hourly.end_of(acme, other).result == "now"
    assert (row_of(outcome).status, row_of(outcome).epoch) == ("Suspended", 2)


def test_ends_of_children_do_not_shorten_it(hourly: Worker, acme: OrganizationRecord, file: Path) -> None:
    outcome = submit(Start(acme, "hourly", {"file": str(file), "children": 2}, COMMAND))
    hourly.wake()
    first = put_aside(outcome, 1).run_at
    children = children_of(acme, outcome.execution_id)
    for number, child in enumerate(children, start=2):
        send(hourly, acme, child.id, "done")
        assert put_aside(outcome, number).run_at == first

    assert len(children) == 2 and file.read_text() == "x"
    assert recorded(acme, outcome).status == "Suspended"


def test_what_arrives_while_the_attempt_fails_does_not_shorten_it(
    hourly: Worker, acme: OrganizationRecord, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude = ending.conclude

    def conclude_and_send(run: EngineRun, *arguments: Any) -> ending.Ending:
        caller(lambda: send(hourly, acme, run.facts.id, 1)).join()
        return conclude(run, *arguments)

    monkeypatch.setattr(ending, "conclude", conclude_and_send)

    outcome = hourly.submit("hourly", file=str(file))

    row = put_aside(outcome, 2)
    assert (row.run_at, file.read_text()) == (due(acme, outcome), "x")


def test_being_put_off_while_more_arrives_counts_as_no_loss(
    hourly: Worker, acme: OrganizationRecord, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends holds its row in the run queue just then."""
    outcome = hourly.submit("hourly", file=str(file))
    put_aside(outcome, 1)
    put_off, sent, tried = recovery.put_off_until, threading.Event(), threading.Event()

    def send_slowly() -> None:
        with org_context(acme), transaction.atomic():
            sending.signal(acme, UUID(outcome.execution_id), "go", 2, ADA)
            sent.set()
            eventually(lambda: tried.is_set() or is_waiting_for_a_lock(), "attempt to put it off")

    def put_off_meanwhile(*arguments: Any) -> None:
        monkeypatch.setattr(recovery, "put_off_until", put_off)
        sender = caller(send_slowly)
        assert sent.wait(20)
        put_off(*arguments)
        tried.set()
        sender.join()

    monkeypatch.setattr(recovery, "put_off_until", put_off_meanwhile)
    send(hourly, acme, outcome.execution_id, 1)

    put_aside(outcome, 3)
    assert (recorded(acme, outcome).recoveries, row_of(outcome).inbox, file.read_text()) == (0, 2, "x")


def is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Unlike pg_stat_activity, which within a transaction stays as it was first seen.
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_cancel_ends_it_whatever_came_before(hourly: Worker, acme: OrganizationRecord, file: Path) -> None:
    outcome = hourly.submit("hourly", file=str(file))
    put_aside(outcome, 1)
    send(hourly, acme, outcome.execution_id, 1)
    put_aside(outcome, 2)

    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    hourly.wake()

    assert hourly.end_of(acme, outcome).status == "Cancelled"
    assert file.read_text() == "x"


def test_a_cancel_that_arrives_just_before_it_is_put_off_again_ends_it(
    hourly: Worker, acme: OrganizationRecord, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = hourly.submit("hourly", file=str(file))
    put_aside(outcome, 1)
    look = inbox.cancelled

    def looked_too_early(run: EngineRun) -> Cancelled | None:
        found = look(run)
        monkeypatch.setattr(inbox, "cancelled", look)
        caller(lambda: sending.cancel(acme, run.facts.id, ADA)).join()
        return found

    monkeypatch.setattr(inbox, "cancelled", looked_too_early)
    send(hourly, acme, outcome.execution_id, 1)

    assert hourly.end_of(acme, outcome).status == "Cancelled"
    assert ("inbox", "cancel") in [(kind, name) for kind, name, _ in journal(acme, outcome)]
