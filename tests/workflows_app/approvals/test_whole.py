"""From the start of a workflow that needs an approval to its decision, through the doors that people use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connections

from orgs.permissions import APPROVE
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_actor
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from workflows_app import catalog, sending
from workflows_app.approvals.deciding import decide
from workflows_app.dispatch.models import Dispatch
from workflows_app.errors import AlreadyDecided
from workflows_app.models import Approval

SOURCE = """
from bifrost import workflow

@workflow(requires_approval=True)
async def pay(context, amount: int, password: str = "hunter22"):
    return amount
"""


@pytest.fixture
def asked(workspace: Path, api: Api, acme: OrganizationRecord) -> str:
    """The path of the approval that acme's token has just asked for."""
    (workspace / "pay.py").write_text(SOURCE)
    catalog.refresh()
    answer = api.post("/api/workflows/pay", {"amount": 7})
    assert answer.status_code == 202 and answer.json()["status"] == "PendingApproval"
    with org_context(acme):
        return f"/api/approvals/{Approval.objects.get(execution=answer.json()['executionId']).id}"


def test_it_waits_a_week_for_somebody_else(api: Api, api_of: ApiOf, acme: OrganizationRecord, asked: str) -> None:
    document = api.get(asked).json()
    assert document["title"] == "Run pay" and document["permission"] == "canApprove"
    assert document["inputData"] == {"amount": 7, "password": "REDACTED"}
    assert document["createdAt"] < document["expiresAt"] and document["canDecide"] is False
    assert refusal(api.post(f"{asked}/approve")) == (403, "PermissionError")
    assert api_of(acme).get(asked).json()["canDecide"] is True


def test_approved_it_is_queued(api: Api, api_of: ApiOf, acme: OrganizationRecord, asked: str) -> None:
    answer = api_of(acme).post(f"{asked}/approve", {"comment": "Fine"})
    assert answer.status_code == 200
    execution = answer.json()["executionId"]
    assert api.get(f"/api/executions/{execution}").json()["status"] == "Queued"
    with shared_context():
        assert Dispatch.objects.get(execution=execution).status == "Queued"
    last = api.get(f"/api/executions/{execution}/journal").json()["results"][-1]
    assert last["name"] == "Queued" and last["data"]["reason"] == "approved by test"


def test_rejected_it_has_ended(api: Api, api_of: ApiOf, acme: OrganizationRecord, asked: str) -> None:
    execution = api_of(acme).post(f"{asked}/reject", {"comment": "No money"}).json()["executionId"]
    record = api.get(f"/api/executions/{execution}").json()
    assert record["status"] == "Rejected" and record["completedAt"]
    assert record["error"] == {"error": "Rejected", "message": "Rejected by test: No money", "details": {}}


def test_cancelled_it_can_be_approved_no_more(api: Api, api_of: ApiOf, acme: OrganizationRecord, asked: str) -> None:
    execution = api.get(asked).json()["executionId"]
    assert api.post(f"/api/executions/{execution}/cancel").status_code == 202
    assert api.get(asked).json()["state"] == "withdrawn"
    assert refusal(api_of(acme).post(f"{asked}/approve")) == (409, "Conflict")
    assert api.get(f"/api/executions/{execution}").json()["status"] == "Cancelled"


@pytest.mark.django_db(transaction=True)
def test_an_approval_and_a_cancel_at_once_come_one_after_the_other(
    transactional_db: None, api: Api, acme: OrganizationRecord, asked: str
) -> None:
    approval, execution = (UUID(api.get(asked).json()[name]) for name in ("approvalId", "executionId"))
    begin = threading.Barrier(2)
    failures: list[Exception] = []

    def attempt(act: Callable[[], object]) -> None:
        begin.wait()
        try:
            act()
        except AlreadyDecided:
            pass  # the cancel was first
        except Exception as failure:  # noqa: BLE001  reported below
            failures.append(failure)
        finally:
            connections.close_all()

    acts = (
        lambda: decide(acme, approval, make_actor(APPROVE), approve=True),
        lambda: sending.cancel(acme, execution, make_actor(name="Grace")),
    )
    threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert api.get(asked).json()["state"] in {"approved", "withdrawn"}
    assert api.get(f"/api/executions/{execution}").json()["status"] == "Cancelled"
    with shared_context():
        assert not Dispatch.objects.filter(execution=execution).exists()
