"""Dry runs: reads go out, and whatever would change something is noted instead."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from orgs.models import AuditEvent
from orgs.records import COMMAND_LINE, OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.vendor import Vendor, served
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker
from workflows_app import queries
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Execution, Notice
from workflows_app.retrying import start_again

DRY = {"type": "api", "dryRun": True}


@pytest.fixture
def crm(settings: Any) -> Iterator[Vendor]:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    vendor = Vendor()
    with served(vendor):
        yield vendor


@pytest.fixture
def dry(engine_stops: None, acme: OrganizationRecord) -> Any:
    def run(workflow: str, **parameters: Any) -> Outcome:
        return submit(Start(acme, workflow, parameters, ADA, DRY))

    return run


def logged(acme: OrganizationRecord, outcome: Outcome) -> list[str]:
    return [data["message"] for _, _, data in journal(acme, outcome, "log")]


def test_requests_that_would_change_something_are_not_sent(
    dry: Any, workspace: Workspace, acme: OrganizationRecord, crm: Vendor
) -> None:
    workspace.add(
        """
        @step
        async def create(client):
            return (await client.post("/users", json={"name": "Ann", "password": "hunter22"})).json()

        @workflow
        async def example(context, url):
            client = context.http("crm", base_url=url, stubs={"POST /users": {"id": "dry"}})
            await client.get("/users")
            made = await create(client)
            await client.delete("/users/12")
            return [context.dry_run, made]
        """
    )

    outcome = dry("example", url=crm.url)

    assert outcome.result == [True, {"id": "dry"}]
    assert [asked.method for asked in crm.asked] == ["GET"]
    record = queries.get_execution(acme, UUID(outcome.execution_id))
    assert record["dryRun"] is True
    assert [(call["method"], call.get("dry_run"), call.get("would_send")) for call in record["integrationCalls"]] == [
        ("GET", None, None),
        ("POST", True, {"name": "Ann", "password": "REDACTED"}),
        ("DELETE", True, None),
    ]


def test_what_would_be_done_on_the_platform_is_noted(dry: Any, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            await context.notify("Done", "All is moved.")
            await context.audit("mailbox.move", "ann")
            return await context.database("orders_dsn").transaction(["DELETE FROM orders"])
        """
    )

    outcome = dry("example")

    assert outcome.result == [{"operation": 0, "rowCount": 0, "rows": []}]
    assert logged(acme, outcome) == [
        "Dry run: would leave a notice",
        "Dry run: would write to the audit log",
        "Dry run: would change a database",
    ]
    with org_context(acme):
        assert not Notice.objects.exists()
    assert not AuditEvent.objects.filter(operation="mailbox.move").exists()


def test_children_and_later_runs_of_it_are_dry_as_well(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def child(context):
            return context.dry_run

        @workflow(execution_mode="async")
        async def example(context):
            return await context.execute_workflow("child")
        """
    )
    worker.start()

    first = worker.end_of(acme, submit(Start(acme, "example", {}, COMMAND_LINE, DRY, background=True)))
    again = worker.end_of(acme, start_again(acme, UUID(first.execution_id), COMMAND_LINE, fresh=True))

    assert (first.result, again.result) == (True, True)
    with org_context(acme):
        assert {execution.trigger["dryRun"] for execution in Execution.objects.all()} == {True}


def test_it_sends_no_signal_to_an_execution_that_is_not_its_own(
    dry: Any, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context, other):
            await context.signal_workflow(other, "go")
        """
    )

    outcome = dry("example", other="01a2194e-f0f3-78f1-aadf-253e15efee39")

    assert (outcome.status, outcome.error["error"]) == ("Failed", "DryRun")


def test_a_dry_run_does_not_answer_for_a_real_one_of_the_same_key(
    engine_stops: None, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            return context.dry_run
        """
    )
    submit(Start(acme, "example", {}, ADA, DRY, idempotency_key="k"))

    with pytest.raises(Exception, match="was used with other parameters"):
        submit(Start(acme, "example", {}, ADA, idempotency_key="k"))


def test_a_real_run_is_none(engine_stops: None, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            return context.dry_run
        """
    )

    outcome = submit(Start(acme, "example", {}, ADA))

    assert outcome.result is False
    assert "dryRun" not in recorded(acme, outcome).trigger
