"""Whoever approves a start may edit its input first: what was submitted stays, what was approved runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bifrost.sdk.errors import ValidationError
from integrations.sealing import VaultUnavailable, unseal
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import events
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from tests.workflows_app.test_admin import staff, text
from workflows_app import catalog
from workflows_app.approvals import editing
from workflows_app.engine import start as starting
from workflows_app.models import Approval, Execution

SOURCE = """
from typing import Literal
from bifrost import param, workflow

@workflow(requires_approval=True)
@param("amount", "int", "In pounds", required=True, validation={"min": 1, "max": 500})
@param("pin", "secret", label="The pin")
async def pay(context, amount: int, kind: Literal["card", "cash"] = "card", user: dict = {}, pin: str = "hunter22"):
    return amount
"""
USER = {"name": "Ann", "password": "before-1"}
Asked = Callable[..., str]


@pytest.fixture
def ask(workspace: Path, api: Api, acme: OrganizationRecord) -> Asked:
    """Asks for a payment by acme's token; the path of its approval."""
    (workspace / "pay.py").write_text(SOURCE)
    catalog.refresh()

    def asking(**parameters: Any) -> str:
        answer = api.post("/api/workflows/pay", {"amount": 250, **parameters})
        with org_context(acme):
            return f"/api/approvals/{Approval.objects.get(execution=answer.json()['executionId']).id}"

    return asking


@pytest.fixture
def other(api_of: ApiOf, acme: OrganizationRecord) -> Api:
    """Somebody else, who may approve."""
    return api_of(acme)


def row_of(organization: OrganizationRecord, approval: dict[str, Any]) -> Execution:
    with org_context(organization):
        return Execution.objects.get(id=approval["executionId"])


def exact_input(organization: OrganizationRecord, row: Execution) -> Any:
    shown, sealed = row.ran_input
    return shown if sealed is None else unseal(organization, sealed)


# --- the API ----------------------------------------------------------------------------------------------------------


def test_the_input_is_a_form_made_of_the_workflow_s_parameters(api: Api, ask: Asked) -> None:
    fields = {field["name"]: field for field in api.get(ask()).json()["form"]["fields"]}
    assert list(fields) == ["amount", "kind", "user", "pin"]
    assert fields["amount"] == {
        "name": "amount",
        "type": "int",
        "label": "Amount",
        "description": "In pounds",
        "required": True,
        "validation": {"min": 1, "max": 500},
        "initial": 250,
    }
    assert fields["kind"]["validation"] == {"enum": ["card", "cash"]}
    assert (fields["pin"]["label"], fields["pin"]["initial"]) == ("The pin", "REDACTED")


def test_what_was_submitted_stays_and_what_was_approved_is_beside_it(
    api: Api, other: Api, ask: Asked, acme: OrganizationRecord
) -> None:
    path = ask()
    answer = other.post(f"{path}/approve", {"comment": "Less", "values": {"amount": 200}})
    assert answer.status_code == 200, answer.content
    document = answer.json()
    assert (document["state"], document["form"]) == ("approved", None)
    assert (document["inputData"]["amount"], document["values"]["amount"]) == (250, 200)

    record = api.get(f"/api/executions/{document['executionId']}").json()
    assert (record["status"], record["inputData"]["amount"]) == ("Queued", 250)
    assert record["approvedInput"] == {"amount": 200, "kind": "card", "user": {}, "pin": "REDACTED"}
    line = api.get(f"/api/executions/{document['executionId']}/journal").json()["results"][-1]
    assert line["data"]["edited"] == ["amount"]
    [event] = events("approval.approve")
    assert event.metadata == {"workflow": "pay", "edited": ["amount"]}, "which, not what"


def test_a_secret_that_nobody_edited_runs_as_it_was_and_an_edited_one_is_sealed(
    other: Api, ask: Asked, acme: OrganizationRecord
) -> None:
    kept = other.post(f"{ask(user=USER)}/approve", {"values": {"user": {"name": "Bo", "password": "REDACTED"}}})
    assert kept.json()["values"]["user"] == {"name": "Bo", "password": "REDACTED"}
    row = row_of(acme, kept.json())
    assert exact_input(acme, row) == {
        "amount": 250,
        "kind": "card",
        "user": {"name": "Bo", "password": "before-1"},
        "pin": "hunter22",
    }
    edited = other.post(f"{ask()}/approve", {"values": {"pin": "4711-4711"}})
    assert edited.json()["values"]["pin"] == "REDACTED" and b"4711" not in edited.content
    row = row_of(acme, edited.json())
    assert "4711" not in str((row.input, row.approved_input)) and exact_input(acme, row)["pin"] == "4711-4711"
    assert unseal(acme, bytes(row.input_sealed or b""))["pin"] == "hunter22", "as submitted"


@pytest.mark.parametrize(
    "values",
    [{}, {"amount": 250}, {"amount": 250, "kind": "card", "user": {}, "pin": "REDACTED"}],
    ids=["none", "one", "all as they were shown"],
)
def test_what_is_as_it_was_shown_is_no_edit(
    api: Api, other: Api, ask: Asked, acme: OrganizationRecord, values: dict[str, Any]
) -> None:
    document = other.post(f"{ask()}/approve", {"values": values}).json()
    assert (document["state"], document["values"]) == ("approved", None)
    record = api.get(f"/api/executions/{document['executionId']}").json()
    assert record["approvedInput"] is None and record["inputData"]["amount"] == 250
    assert exact_input(acme, row_of(acme, document))["pin"] == "hunter22"


@pytest.mark.parametrize(
    ("verb", "values", "field"),
    [
        ("approve", {"amount": 501}, "values.amount"),
        ("approve", {"amount": "much"}, "values.amount"),
        ("approve", {"amount": None}, "values.amount"),
        ("approve", {"kind": "gold"}, "values.kind"),
        ("approve", {"nothing": 1}, "values.nothing"),
        ("reject", {"amount": 1}, "values"),
    ],
)
def test_it_is_checked_as_at_a_start_and_what_is_wrong_decides_nothing(
    other: Api, ask: Asked, verb: str, values: dict[str, Any], field: str
) -> None:
    path = ask()
    answer = other.post(f"{path}/{verb}", {"values": values})
    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["errors"][0]["field"] == field
    assert other.get(path).json()["state"] == "pending"


def test_its_options_are_checked_as_at_a_start(other: Api, ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(organization: OrganizationRecord, spec: Any, values: dict[str, Any]) -> None:
        asked.append((organization.org_id, spec.name, values["kind"], values["pin"]))
        problem = {"field": "kind", "message": "is not among the options"}
        raise ValidationError("It is not.", field="kind", details={"errors": [problem]})

    monkeypatch.setattr(editing, "check_parameters", refuse)
    path = ask()
    answer = other.post(f"{path}/approve", {"values": {"kind": "cash"}})
    assert answer.json()["details"]["errors"] == [{"field": "values.kind", "message": "is not among the options"}]
    assert asked == [("acme", "pay", "cash", "hunter22")]
    assert other.post(f"{path}/approve", {"values": {"kind": "card"}}).status_code == 200, "unchanged, nobody asks"


def test_while_the_vault_is_away_what_needs_it_is_503(other: Api, ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ask()

    def away(*_: Any) -> Any:
        raise VaultUnavailable("away")

    for module in (editing, starting):
        with monkeypatch.context() as patched:
            patched.setattr(module, "unseal" if module is editing else "seal", away)
            assert refusal(other.post(f"{path}/approve", {"values": {"amount": 1}})) == (503, "ServiceUnavailable")
    assert other.get(path).json()["state"] == "pending"
    assert other.post(f"{path}/approve", {"values": {"amount": 1}}).status_code == 200


def test_a_workflow_that_is_gone_can_be_approved_but_not_edited(other: Api, ask: Asked, workspace: Path) -> None:
    path = ask()
    (workspace / "pay.py").unlink()
    catalog.refresh()
    assert other.get(path).json()["form"] is None
    answer = other.post(f"{path}/approve", {"values": {"amount": 1}})
    assert refusal(answer) == (400, "ValidationError") and "no longer" in answer.json()["message"]
    assert other.post(f"{path}/approve").status_code == 200


def test_the_same_key_is_still_the_same_execution(api: Api, other: Api, ask: Asked) -> None:
    ask()
    key = {"Idempotency-Key": "k1"}
    first = api.post("/api/workflows/pay", {"amount": 7}, **key).json()
    [approval] = [
        each for each in other.get("/api/approvals").json()["results"] if each["executionId"] == first["executionId"]
    ]
    other.post(f"/api/approvals/{approval['approvalId']}/approve", {"values": {"amount": 8}})
    assert api.post("/api/workflows/pay", {"amount": 7}, **key).json()["executionId"] == first["executionId"]


def test_run_again_it_asks_for_what_ran(api: Api, other: Api, ask: Asked, acme: OrganizationRecord) -> None:
    execution = other.post(f"{ask()}/approve", {"values": {"amount": 200}}).json()["executionId"]
    assert api.post(f"/api/executions/{execution}/cancel").status_code == 202
    again = api.post(f"/api/executions/{execution}/retry").json()["executionId"]
    with org_context(acme):
        assert Execution.objects.get(id=UUID(again)).input["amount"] == 200


# --- the staff's page -------------------------------------------------------------------------------------------------


def test_the_staff_edit_and_approve_on_the_page(ask: Asked, acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    page = f"/o/acme/admin/workflows_app/approval/{ask().removeprefix('/api/approvals/')}"
    client = staff(msp)
    shown = client.get(f"{page}/change/").content.decode()
    assert 'name="v.amount" id="i-v-amount" value="250"' in shown and "hunter22" not in shown
    assert '<option value="card" selected>' in shown and 'type="password"' in shown
    wrong = client.post(f"{page}/decide/", {"v.amount": "900", "decision": "approve"})
    assert "must be at most 500" in wrong.content.decode()

    typed = {"v.amount": "300", "v.kind": "card", "v.user": "{}", "v.pin": "", "decision": "approve"}
    assert client.post(f"{page}/decide/", typed).status_code == 302
    seen = text(client.get(f"{page}/change/"))
    assert "Approved values" in seen and "300" in seen and "250" in seen
    with org_context(acme):
        row = Execution.objects.get()
    assert exact_input(acme, row) == {"amount": 300, "kind": "card", "user": {}, "pin": "hunter22"}
    record = text(client.get(f"/o/acme/admin/workflows_app/execution/{row.id}/change/"))
    assert "Input as approved" in record
