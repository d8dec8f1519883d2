"""What is to be told is noted with what it tells of, and told by one process alone."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest
from django.db import connections

from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.factories import make_user
from tests.workflows_app.alerts.rows import notices
from tests.workflows_app.approvals.rows import make_question
from tests.workflows_app.engine.conftest import ADA, Workspace, engine_stops, limits, worker, workspace
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_waits import wait_suspended
from tests.workflows_app.engine.working import Worker
from workflows_app import maintenance, recovery, sending, tidings
from workflows_app.dispatch.models import Tiding
from workflows_app.engine import process
from workflows_app.executions import Outcome
from workflows_app.tidings import Kind, tell_due

__all__ = ["engine_stops", "limits", "worker", "workspace"]

SOURCE = """
    @workflow(execution_mode="async")
    async def pays(context):
        decision = await context.wait_for_approval("Pay the invoice")
        return decision.approved

    @workflow
    async def adds(context):
        return 1
"""


def noted() -> list[tuple[str, bool]]:
    with shared_context():
        return list(Tiding.objects.order_by("id").values_list("kind", "told"))


def olga(acme: OrganizationRecord) -> User:
    return make_user(acme, "operator", email="olga@acme.example")


def test_a_run_that_asks_is_noted_once_however_often_it_comes_there(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(SOURCE)
    olga(acme)
    worker.start()
    outcome: Outcome = worker.submit("pays")
    wait_suspended(acme, outcome)
    assert noted() == [("approval", False)]
    tell_due()
    lose(process.engine())
    recovery.recover_orphans()
    tell_due()
    assert [each.subject for each in notices(acme)] == ["To approve: Pay the invoice, for Ada"]
    assert noted() == [("approval", True)]

    worker.start()
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    worker.wake()
    assert worker.end_of(acme, outcome).status == "Cancelled"
    maintenance.run()
    assert [each.read_at is not None for each in notices(acme)] == [True] and noted() == []


def test_a_run_that_nobody_asked_by_a_form_is_not_noted(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(SOURCE)
    assert worker.submit("adds").status == "Success"
    assert noted() == []


@pytest.mark.django_db(transaction=True)
def test_several_that_tell_at_the_same_moment_tell_once(acme: OrganizationRecord) -> None:
    olga(acme)
    for _ in range(5):
        made = make_question(acme)
        tidings.note(acme, Kind.APPROVAL, made.id, made.execution_id)
    handled: list[int] = []

    def turn() -> None:
        try:
            handled.append(tell_due())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=turn) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(handled) == 5 and len(handled) == 3
    assert len(notices(acme)) == 5 and noted() == [("approval", True)] * 5
