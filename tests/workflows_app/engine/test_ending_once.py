"""Whoever says first how a run ended is the only one who is heard, in its journal as well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from django.db import connection

from bifrost.sdk.errors import WorkerLost
from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import ending, process
from workflows_app.engine.engine import Engine
from workflows_app.engine.run import Run
from workflows_app.executions import Outcome

from .conftest import ADA

LASTS = """
    @workflow(execution_mode="async")
    async def lasts(context):
        try:
            await asyncio.sleep(60)
        finally:
            context.log("info", "the code has ended")
"""


@contextmanager
def nothing_is_written(organization: OrganizationRecord) -> Iterator[None]:
    with psycopg.connect(**connection.get_connection_params()) as holder:
        holder.execute(f"LOCK TABLE {organization.schema_name}.workflows_app_executionevent IN SHARE MODE".encode())
        yield


def run_of(engine: Engine, outcome: Outcome) -> Run:
    found = eventually(lambda: engine.runs.get(UUID(outcome.execution_id)), "run")
    assert isinstance(found, Run)
    eventually(lambda: found.stop is not None, "beginning")
    return found


def lost(run: Run) -> ending.Ending:
    return ending.failed(run, WorkerLost("The second word."))


def test_a_run_whose_end_waits_to_be_written_is_not_given_up(
    workspace: Workspace, acme: OrganizationRecord, worker: Worker
) -> None:
    workspace.add(LASTS)
    engine = worker.start()
    before, outcome = worker.submit("lasts"), worker.submit("lasts")
    runs = [run_of(engine, each) for each in (before, outcome)]
    with nothing_is_written(acme):
        for run in runs:  # the first one's end keeps the writer busy
            engine.stop_run(run, RuntimeError("The first word."))
            eventually(lambda run=run: run.finished.done(), "result")
        engine.give_up(lost)

    worker.end_of(acme, outcome)

    assert [name for _, name, _ in journal(acme, outcome, "status")] == ["Queued", "Running", "Failed"]
    assert [name for _, name, _ in journal(acme, outcome, "error")] == ["InternalServerError"]


def test_a_run_that_is_not_in_the_queue_any_more_is_stopped_and_writes_nothing(
    workspace: Workspace, acme: OrganizationRecord, worker: Worker
) -> None:
    """As where its organization is dropped."""
    workspace.add(LASTS)
    engine = worker.start()
    outcome, other = worker.submit("lasts"), worker.submit("lasts")
    run, kept = run_of(engine, outcome), run_of(engine, other)

    Dispatch.objects.filter(execution=run.facts.id).delete()
    worker.wake()

    eventually(lambda: run.facts.id not in engine.runs, "farewell")
    eventually(lambda: not run.tasks or all(task.done() for task in run.tasks), "end of its code")
    assert recorded(acme, outcome).status == "Running"
    assert [name for _, name, _ in journal(acme, outcome)] == ["Queued", "Running"]
    assert not kept.detached


def test_a_worker_that_is_stopping_still_hears_a_cancel(
    workspace: Workspace, acme: OrganizationRecord, worker: Worker
) -> None:
    workspace.add(LASTS)
    engine = worker.start()
    outcome = worker.submit("lasts")
    run_of(engine, outcome)
    stopping = threading.Thread(target=process.stop, args=(30.0,))
    stopping.start()
    eventually(lambda: not engine.accepts, "stop")

    sending.cancel(acme, UUID(outcome.execution_id), ADA)

    assert worker.end_of(acme, outcome, 5).status == "Cancelled"
    stopping.join(10)
    assert not stopping.is_alive()
