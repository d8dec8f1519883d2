"""A start whose input was edited by whoever approved it runs with what was approved, each time its code runs."""

from __future__ import annotations

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.asking import answer, approvals
from tests.workflows_app.engine.conftest import Workspace, recorded
from tests.workflows_app.engine.working import Worker
from workflows_app.recording import document_of

PAY = """
@workflow(execution_mode="async", requires_approval=True)
async def pay(context, amount: int, password: str = "hunter22"):
    await context.sleep(1.2)  # so that the code runs once more from its top
    context.log("info", f"{password} {amount}")
    return {"amount": amount, "right": password == "hunter22"}
"""


def test_what_was_approved_runs_and_what_was_submitted_stays(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(PAY)
    worker.start()
    outcome = worker.submit("pay", amount=250)
    [asked] = approvals(acme, outcome)

    answer(acme, asked, values={"amount": 200})

    assert worker.end_of(acme, outcome).result == {"amount": 200, "right": True}
    row = recorded(acme, outcome)
    assert row.input == {"amount": 250, "password": "REDACTED"}
    assert row.approved_input == {"amount": 200, "password": "REDACTED"}
    # What is replayed is what ran.
    assert document_of(acme, row.id)["inputData"]["amount"] == 200


def test_approved_as_it_is_it_runs_as_submitted(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(PAY)
    worker.start()
    outcome = worker.submit("pay", amount=250)
    answer(acme, approvals(acme, outcome)[0])
    assert worker.end_of(acme, outcome).result == {"amount": 250, "right": True}
    assert recorded(acme, outcome).approved_input is None
