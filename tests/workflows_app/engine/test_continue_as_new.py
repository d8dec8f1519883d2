"""A workflow that goes on as a new execution of itself, for loops without end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal, recorded
from tests.workflows_app.engine.continuing import LOOP, chain_of, first_of
from tests.workflows_app.engine.interrupting import Interrupted
from tests.workflows_app.engine.test_children import COMMAND
from tests.workflows_app.engine.test_waits import signal
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import queries, sending
from workflows_app.dispatch.models import Dispatch, Fleet, Schedule
from workflows_app.dispatch.schedules import database_time, taken
from workflows_app.engine import continuing
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Execution, Inbox


def test_ten_generations_leave_ten_records_and_have_one_place_in_the_queue(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(LOOP)
    worker.start()
    outcome = submit(Start(acme, "counts", {}, COMMAND))
    places = set()
    with org_context(acme):
        while Fleet.objects.count() < 10:
            places.add(Dispatch.objects.count())
    end = worker.end_of(acme, outcome)

    assert end.result == {"number": 10, "api_token": "not-from-the-vault"}
    assert places <= {0, 1}
    generations = chain_of(acme, outcome.execution_id)
    assert [row.input["number"] for row in generations] == list(range(1, 11))
    assert [row.continued_as for row in generations[:-1]] == [row.id for row in generations[1:]]
    assert [row.continued_from for row in generations[1:]] == [row.id for row in generations[:-1]]
    assert [row.status for row in generations] == ["Success"] * 10
    assert generations[0].result == {"continuedAs": str(generations[1].id)}
    assert end.execution_id == str(generations[-1].id)
    assert {(row.depth, row.parent, row.actor, row.attempt) for row in generations} == {(0, None, "command:command", 1)}
    assert not Dispatch.objects.exists()
    # Each has a journal of its own.
    assert [data["message"] for _, _, data in journal(acme, Outcome(str(generations[4].id), ""), "log")] == [
        "generation 5"
    ]
    started = journal(acme, Outcome(str(generations[1].id), ""), "status")
    assert started[0] == ("status", "Queued", {"continuedFrom": outcome.execution_id})
    assert journal(acme, outcome, "status")[-1][2] == {"continuedAs": str(generations[1].id)}


def test_signals_that_nobody_has_taken_go_to_the_successor_in_their_order(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(LOOP)
    outcome = submit(Start(acme, "collects", {"until": 6}, COMMAND))
    for number in (1, {"password": "hunter22"}, 3, 4):
        signal(acme, outcome, "event", number)
    worker.start()
    eventually(lambda: len(chain_of(acme, outcome.execution_id)) == 5, "fifth generation")
    fifth = chain_of(acme, outcome.execution_id)[-1]
    eventually(lambda: queries.get_summary(acme, fifth.id)["status"] == "Suspended", "wait")
    # By the first one's id, which is all that others know.
    signal(acme, outcome, "event", 5)
    signal(acme, outcome, "event", 6)
    assert worker.end_of(acme, outcome).result == [1, {"password": "hunter22"}, 3, 4, 5, 6]
    with org_context(acme):
        assert Inbox.objects.filter(kind="signal").count() == 6


def test_a_schedule_sees_its_run_until_the_last_generation_has_ended(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(LOOP)
    outcome = submit(Start(acme, "collects", {"until": 3}, COMMAND))
    planned_at = database_time()
    unfinished = {outcome.execution_id: planned_at.isoformat()}
    Schedule.objects.create(organization=acme.id, workflow="collects", next_run=planned_at, unfinished=unfinished)
    worker.start()
    for generation in (1, 2, 3):
        _await_wait_of(acme, outcome, generation)
        assert _unfinished() == {outcome.execution_id}
        signal(acme, outcome, "event", generation)
    assert worker.end_of(acme, outcome).result == [1, 2, 3]

    assert _unfinished() == set()


def _await_wait_of(acme: OrganizationRecord, outcome: Outcome, generation: int) -> None:
    eventually(lambda: len(chain_of(acme, outcome.execution_id)) == generation, f"generation {generation}")
    last = chain_of(acme, outcome.execution_id)[-1]
    eventually(lambda: queries.get_summary(acme, last.id)["status"] == "Suspended", "wait")


def _unfinished() -> set[str]:
    with taken(database_time(), 1) as found:
        return set(found.rows[0].unfinished)


@contextmanager
def just_being_sent(send: Any) -> Iterator[None]:
    """Sends in a transaction that commits when somebody waits for the row in the run queue that it holds."""
    sent, waited = threading.Event(), threading.Event()

    def held() -> None:
        try:
            with transaction.atomic():
                send()
                sent.set()
                eventually(_somebody_waits, "statement that waits for the row")
            waited.set()
        finally:
            connections.close_all()

    thread = threading.Thread(target=held)
    thread.start()
    assert sent.wait(20)
    yield
    thread.join(30)
    assert waited.is_set()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else it is the same for the whole transaction
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query LIKE '%%seen AS%%' AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])


def test_a_signal_that_arrives_exactly_then_is_not_lost(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Any
) -> None:
    workspace.add(LOOP)
    worker.start()
    outcome = submit(Start(acme, "gated", {"directory": str(tmp_path)}, COMMAND))
    eventually(lambda: journal(acme, outcome, "step"), "run that goes on")
    with just_being_sent(lambda: sending.signal(acme, UUID(outcome.execution_id), "event", "just in time", ADA)):
        (tmp_path / "open").touch()
    assert worker.end_of(acme, outcome).result == "just in time"
    assert len(chain_of(acme, outcome.execution_id)) == 2


def test_a_cancel_that_arrives_exactly_then_ends_the_successor(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Any
) -> None:
    workspace.add(LOOP)
    worker.start()
    outcome = submit(Start(acme, "gated", {"directory": str(tmp_path)}, COMMAND))
    eventually(lambda: journal(acme, outcome, "step"), "run that goes on")
    with just_being_sent(lambda: sending.cancel(acme, UUID(outcome.execution_id), ADA)):
        (tmp_path / "open").touch()
    assert worker.end_of(acme, outcome).status == "Cancelled"
    first, second = chain_of(acme, outcome.execution_id)
    assert (first.status, second.status) == ("Success", "Cancelled")
    assert second.error["message"] == "Cancelled by Ada."


def test_a_signal_under_way_to_a_wait_that_is_given_up_is_kept(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def leaves(context, again: bool = False):
            if again:
                return await context.wait_for_signal("b")
            both = [asyncio.ensure_future(context.wait_for_signal(name)) for name in "ab"]
            await both[0]
            await context.continue_as_new(again=True)
        """
    )
    outcome = submit(Start(acme, "leaves", {}, COMMAND))
    signal(acme, outcome, "a")
    signal(acme, outcome, "b", "for the next one")
    worker.start()
    assert worker.end_of(acme, outcome).result == "for the next one"


def test_a_wrong_parameter_is_an_error_of_the_run_which_goes_on(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(LOOP)
    worker.start()
    outcome = submit(Start(acme, "tries", {}, COMMAND))
    assert worker.end_of(acme, outcome).result == ["number", "nonsense"]
    assert recorded(acme, outcome).continued_as is None


def test_a_run_that_is_lost_while_it_goes_on_has_one_successor(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(LOOP)
    engine = worker.start()
    monkeypatch.setattr(continuing, "prepare", interrupted := Interrupted(continuing.prepare))
    outcome = submit(Start(acme, "counts", {"until": 2}, COMMAND))
    interrupted.lose(engine)
    worker.start()
    assert worker.end_of(acme, outcome).result["number"] == 2
    assert len(chain_of(acme, outcome.execution_id)) == 2
    with org_context(acme):
        assert Execution.objects.count() == 2
    # What it had done was not done again.
    assert len([data for _, _, data in journal(acme, outcome, "step") if data["state"] == "done"]) == 1


def test_it_is_no_failure_to_the_code_that_it_leaves(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", retry_policy={"max_attempts": 3})
        async def careful(context, again: bool = False):
            if again:
                return "again"
            try:
                await context.continue_as_new(again=True)
            except Exception:
                return "it was caught"
            finally:
                context.log("info", "cleaned up")

        @workflow(execution_mode="async")
        def plain(context, again: bool = False):
            return "again" if again else context.continue_as_new(again=True)

        @workflow(execution_mode="async")
        async def gathers(context, again: bool = False):
            if again:
                return "again"
            await asyncio.gather(context.wait_for_signal("never"), context.continue_as_new(again=True))

        @workflow(execution_mode="async")
        async def groups(context, again: bool = False):
            if again:
                return "again"
            async with asyncio.TaskGroup() as group:
                group.create_task(context.wait_for_signal("never"))
                group.create_task(context.continue_as_new(again=True))
        """
    )
    worker.start()
    for name in ("careful", "plain", "gathers", "groups"):
        outcome = submit(Start(acme, name, {}, COMMAND))
        assert worker.end_of(acme, outcome).result == "again", name
        assert recorded(acme, outcome).status == "Success"
        assert journal(acme, outcome, "error") == []
    careful = chain_of(acme, str(first_of(acme, "careful").id))[0]
    assert [data["message"] for _, _, data in journal(acme, Outcome(str(careful.id), ""), "log")] == ["cleaned up"]


def test_a_run_that_has_been_cancelled_does_not_go_on(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def insists(context, again: bool = False):
            try:
                await asyncio.sleep(30)
            finally:
                await context.continue_as_new(again=True)
        """
    )
    worker.start()
    outcome = submit(Start(acme, "insists", {}, COMMAND))
    eventually(lambda: Dispatch.objects.filter(status="Running").exists(), "run")
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    worker.wake()
    assert worker.end_of(acme, outcome).status == "Cancelled"
    assert len(chain_of(acme, outcome.execution_id)) == 1


def test_parameters_that_look_like_secrets_are_kept_exactly(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def knows(context, password: str = ""):
            if not password:
                await context.continue_as_new(password="hunter22")
            return password == "hunter22"
        """
    )
    worker.start()
    outcome = submit(Start(acme, "knows", {}, COMMAND))
    assert worker.end_of(acme, outcome).result is True
    assert chain_of(acme, outcome.execution_id)[-1].input == {"password": "REDACTED"}


def test_failed_items_stay_with_the_run_that_had_them(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def partly(context, again: bool = False):
            if not again:
                context.complete_with_errors(None, ["one"])
                await context.continue_as_new(again=True)
            return "well"
        """
    )
    worker.start()
    outcome = submit(Start(acme, "partly", {}, COMMAND))
    assert worker.end_of(acme, outcome).status == "Success"
    first, second = chain_of(acme, outcome.execution_id)
    assert (first.status, first.result) == ("CompletedWithErrors", {"continuedAs": str(second.id)})
    assert Fleet.objects.get(execution=first.id).status == "CompletedWithErrors"


def test_who_waits_for_a_start_waits_for_the_last(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(LOOP)
    worker.start()
    start = Start(acme, "counts", {"until": 3}, COMMAND, idempotency_key="once", wait_seconds=20)
    outcome = submit(start)
    assert (outcome.status, outcome.result["number"]) == ("Success", 3)
    assert submit(start).execution_id == outcome.execution_id  # the same key, the same answer


def test_a_sync_run_goes_on_in_the_background(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def foreground(context, again: bool = False):
            if not again:
                await context.continue_as_new(again=True)
            return "again"
        """
    )
    outcome = run("foreground")
    assert outcome.status == "Queued"
    with org_context(acme):
        first, second = Execution.objects.order_by("id")
    assert (str(second.id), second.continued_from) == (outcome.execution_id, first.id)
    assert Dispatch.objects.get().execution == second.id
