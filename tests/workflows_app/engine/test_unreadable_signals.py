"""A signal that does not open ends the run that it was sent to, and nobody else's work waits for it."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Workspace
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.models import Execution, Inbox

WAITS = """
@workflow(execution_mode="async")
async def waits(context):
    return await context.wait_for_signal("event")

@workflow(execution_mode="async")
async def hello(context):
    return "hello"
"""


def test_the_run_fails_and_others_are_taken(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    workspace.add(WAITS)
    worker.start()
    outcome = worker.submit("waits")
    with org_context(acme):
        eventually(lambda: Execution.objects.get(id=outcome.execution_id).status == "Suspended", "wait")
    with org_context(acme), transaction.atomic():
        sending.signal(acme, UUID(outcome.execution_id), "event", {"password": "x"}, ADA)
        assert Inbox.objects.filter(data_sealed__isnull=False).update(data_sealed=b"of another master key") == 1
    worker.wake()
    failed = worker.end_of(acme, outcome)
    assert failed.status == "Failed" and failed.error is not None
    assert failed.error["error"] == "SealBroken"
    assert worker.end_of(globex, worker.submit("hello", globex)).result == "hello"
