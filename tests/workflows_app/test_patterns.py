"""The shipped patterns, run by a worker as they are: each does what its document says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_httpserver import HTTPServer

from integrations import secrets
from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, journal, recorded
from tests.workflows_app.engine.test_children import COMMAND
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import catalog, queries, sending
from workflows_app.engine import process
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Alert, Execution, Notice


@pytest.fixture
def started(transactional_db: None, acme: OrganizationRecord, settings: Any) -> Iterator[Worker]:
    settings.WORKSPACE = Path(django_settings.BASE_DIR) / "workspace"
    catalog.refresh()
    worker = Worker(acme)
    worker.start()
    yield worker
    process.stop(grace=0)
    process.configure("web")


def begin(worker: Worker, acme: OrganizationRecord, workflow: str, **parameters: Any) -> Outcome:
    """By the command line, which may do everything, also when it is recalled."""
    outcome = submit(Start(acme, workflow, parameters, COMMAND))
    worker.wake()
    return outcome


def run(worker: Worker, acme: OrganizationRecord, workflow: str, **parameters: Any) -> Outcome:
    return worker.end_of(acme, begin(worker, acme, workflow, **parameters))


def test_standard(started: Worker, acme: OrganizationRecord) -> None:
    outcome = run(
        started,
        acme,
        "standard_business_workflow",
        operation="create",
        tenant=acme.tenant_id,
        resource={"id": "r-1", "name": "Printer"},
    )
    assert outcome.status == "Success"
    assert outcome.result["metadata"] == {"operation": "create", "fields": ["id", "name"]}
    [event] = AuditEvent.objects.filter(organization=acme.id, operation="resource.create")
    assert (event.object_kind, event.object_id, event.metadata["operation"]) == ("resource", "r-1", "create")
    with org_context(acme):
        child = Execution.objects.get(parent=outcome.execution_id)
    assert child.workflow == "post_processing"
    assert started.end_of(acme, Outcome(str(child.id), child.status)).result["indexed"]


def test_standard_refuses_another_tenant(started: Worker, acme: OrganizationRecord) -> None:
    outcome = run(
        started, acme, "standard_business_workflow", operation="delete", tenant="globex.example", resource={"id": "r-1"}
    )
    assert (outcome.status, outcome.error["error"]) == ("Failed", "PermissionError")
    assert not AuditEvent.objects.filter(operation__startswith="resource.").exists()


def test_saga(started: Worker, acme: OrganizationRecord) -> None:
    well = run(started, acme, "distributed_transaction_saga", email="ann@acme.example")
    assert well.result == {"user_id": "user-ann", "reservation": "reservation-E3"}

    failed = run(started, acme, "distributed_transaction_saga", email="bob@acme.example", mailbox_is_full=True)

    assert (failed.status, failed.error["message"]) == ("Compensated", "The mailbox is full")
    steps = queries.get_execution(acme, UUID(failed.execution_id))["sagaSteps"]
    assert [(step["name"], step["status"]) for step in steps] == [
        ("create_user", "Completed"),
        ("reserve a license", "Completed"),
        ("send_welcome", "Failed"),
        ("reserve a license", "Compensated"),
        ("create_user", "Compensated"),
    ]


def test_long_running(started: Worker, acme: OrganizationRecord) -> None:
    names: list[Any] = [f"person {number}" for number in range(120)]
    names[60] = 60

    started_by_ada = submit(Start(acme, "long_running_process", {"items": names, "notify": True}, ADA))
    started.wake()
    outcome = started.end_of(acme, started_by_ada)

    assert outcome.status == "CompletedWithErrors"
    assert (outcome.result["total"], len(outcome.result["processed_items"])) == (120, 119)
    [failure] = outcome.result["failed_items"]
    assert (failure["index"], failure["item"], failure["error"]) == (60, 60, "ValueError")
    checkpoints = [data["processed"] for _, _, data in journal(acme, outcome, "checkpoint")]
    assert checkpoints == [50, 99, 119]
    batches = [name for _, name, data in journal(acme, outcome, "step") if data["state"] == "done"]
    assert batches.count("process_item") == 12
    assert recorded(acme, outcome).progress == 100
    with org_context(acme):
        [notice] = Notice.objects.values_list("subject", "message")
    assert notice == ("Processing is done", "119 of 120 items were processed.")


def test_event_driven(started: Worker, acme: OrganizationRecord) -> None:
    outcome = begin(started, acme, "event_driven_workflow", workflow_id="order-7")
    for event in ({"amount": 5}, {"amount": 7}, {"type": "complete", "amount": 1}):
        sending.signal(acme, UUID(outcome.execution_id), "workflow_event", event, COMMAND)
    end = started.end_of(acme, outcome)
    assert end.result == {
        "workflow_id": "order-7",
        "final_state": {"total": 13},
        "event_count": 3,
        "completion_reason": "EventTriggered",
    }


def test_event_driven_waits_without_a_worker(started: Worker, acme: OrganizationRecord) -> None:
    outcome = begin(started, acme, "event_driven_workflow", workflow_id="order-8")
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspension")
    sending.cancel(acme, UUID(outcome.execution_id), COMMAND)
    started.wake()
    assert started.end_of(acme, outcome).status == "Cancelled"


@pytest.fixture
def orders(acme: OrganizationRecord) -> Iterator[psycopg.Connection]:
    """A shop's database beside the platform's, whose address is a secret of acme's."""
    parameters = connection.get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS orders_of_acme WITH (FORCE)")
        server.execute("DROP ROLE IF EXISTS shop")
        server.execute("CREATE ROLE shop LOGIN PASSWORD 'shop'")
        server.execute("CREATE DATABASE orders_of_acme OWNER shop")
    keys = ("host", "port")
    place = {key: parameters[key] for key in keys if parameters.get(key)}
    dsn = psycopg.conninfo.make_conninfo(**place, dbname="orders_of_acme", user="shop", password="shop")
    with psycopg.connect(dsn, autocommit=True) as shop:
        shop.execute("CREATE TABLE stock (sku text PRIMARY KEY, quantity int CHECK (quantity >= 0))")
        shop.execute("CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, sku text, quantity int)")
        shop.execute("INSERT INTO stock VALUES ('E3', 5)")
        secrets.write_secret(acme, "orders_database", dsn)
        yield shop
    with psycopg.connect(**parameters, autocommit=True) as server:
        server.execute("DROP DATABASE orders_of_acme WITH (FORCE)")
        server.execute("DROP ROLE shop")


def test_database(started: Worker, acme: OrganizationRecord, orders: psycopg.Connection) -> None:
    taken = run(started, acme, "database_transaction", sku="E3", quantity=2)
    assert taken.result == {"left": [{"quantity": 3}], "order": [{"id": 1}]}

    too_many = run(started, acme, "database_transaction", sku="E3", quantity=4)

    assert (too_many.status, too_many.error["error"]) == ("Failed", "DatabaseError")
    assert orders.execute("SELECT quantity FROM stock").fetchall() == [(3,)]
    assert orders.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]


def test_external_api(started: Worker, acme: OrganizationRecord, httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/status").respond_with_data("away", status=503)
    httpserver.expect_ordered_request("/status").respond_with_json({"up": True})
    outcome = run(started, acme, "external_api", url=httpserver.url_for("/status"))
    assert outcome.result == {"status_code": 200, "body": {"up": True}}


def test_external_api_spares_a_service_that_fails(
    started: Worker, acme: OrganizationRecord, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/status").respond_with_data("away", status=503)
    ends = [run(started, acme, "external_api", url=httpserver.url_for("/status")) for _ in range(3)]
    assert [end.error["error"] for end in ends][:1] == ["IntegrationError"]
    assert ends[-1].error["error"] == "CircuitBreakerOpen"
    assert len(httpserver.log) == 5  # then nobody asked any more


@pytest.mark.parametrize(
    ("failure", "status", "error"),
    [
        ("database", "Failed", "MaxRetriesExceeded"),
        ("api", "Failed", "MaxRetriesExceeded"),
        ("tenant", "Failed", "EscalatedError"),
        ("input", "Failed", "EscalatedError"),
        ("unexpected", "Compensated", "InternalServerError"),
    ],
)
def test_resilient(started: Worker, acme: OrganizationRecord, failure: str, status: str, error: str) -> None:
    outcome = run(started, acme, "resilient_workflow", failure=failure)
    assert (outcome.status, outcome.error["error"]) == (status, error)
    with org_context(acme):
        kinds = list(Alert.objects.values_list("kind", flat=True))
    assert kinds == (["escalated"] if error == "EscalatedError" else [])


def test_resilient_gets_well(started: Worker, acme: OrganizationRecord) -> None:
    assert run(started, acme, "resilient_workflow", failure="api", well_from=3).result == {
        "result": "done in attempt 3"
    }
