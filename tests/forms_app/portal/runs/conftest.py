"""A customer's people, and a start that one of them has asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.rest.conftest import workspace as workspace  # noqa: PLC0414  a fixture
from workflows_app import catalog
from workflows_app.executions import Start, submit
from workflows_app.models import Approval

from .rows import submit as submit_form

SOURCE = """
from bifrost import param, workflow

@workflow(requires_approval=True)
@param("amount", "int", "In pounds", required=True, validation={"max": 500})
async def request_equipment(context, device: str, amount: int, urgent: bool = False, pin: str = ""):
    return amount
"""


@pytest.fixture
def start(workspace: Path, acme: OrganizationRecord, grace: User) -> Approval:
    """Of a start that Grace has asked for by a form."""
    (workspace / "equipment.py").write_text(SOURCE)
    catalog.refresh()
    actor = Actor("user", str(grace.id), grace.email, "Grace", frozenset({"canExecuteWorkflows"}))
    values = {"device": "lap", "amount": 250, "pin": "hunter22"}
    outcome = submit(Start(acme, "request_equipment", values, actor))
    with org_context(acme):
        approval = Approval.objects.get(execution=outcome.execution_id)
    submit_form(acme, approval.execution_id, grace)
    return approval
