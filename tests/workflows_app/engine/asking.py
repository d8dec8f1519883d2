"""Runs that ask a person, and people who answer, inside the test's own process."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from orgs.permissions import APPROVE
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import recorded
from tests.workflows_app.engine.working import eventually
from workflows_app.approvals.deciding import decide
from workflows_app.engine import process
from workflows_app.executions import Outcome
from workflows_app.models import Approval

GRACE = Actor("user", "grace", "grace@acme.example", "Grace", frozenset({APPROVE}))


def approvals(organization: OrganizationRecord, outcome: Outcome) -> list[Approval]:
    """What the execution has asked, the oldest first."""
    with org_context(organization):
        return list(Approval.objects.filter(execution=outcome.execution_id).order_by("id"))


def asked(organization: OrganizationRecord, outcome: Outcome, number: int = 1) -> Approval:
    """The last question, once there are so many."""
    return eventually(
        lambda: len(found := approvals(organization, outcome)) == number and found[-1], f"approval no. {number}"
    )


def answer(
    organization: OrganizationRecord, approval: Approval, approve: bool = True, actor: Actor = GRACE, **how: Any
) -> None:
    decide(organization, approval.id, actor, approve=approve, **how)
    wake()


def wake() -> None:
    if (engine := process.running()) is not None:
        engine.wake()


def is_put_aside(organization: OrganizationRecord, outcome: Outcome) -> bool:
    engine = process.running()
    return (
        recorded(organization, outcome).status == "Suspended" and UUID(outcome.execution_id) not in engine.runs  # type: ignore[union-attr]
    )


def wait_put_aside(organization: OrganizationRecord, outcome: Outcome) -> None:
    eventually(lambda: is_put_aside(organization, outcome), "suspension")
