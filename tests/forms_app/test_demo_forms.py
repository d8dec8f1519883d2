"""What bin/up makes is there once, for every customer, and works without any outside service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from uuid6 import uuid7

from bifrost.demo_forms import FORMS, prepare_forms
from bifrost.sdk.errors import ValidationError
from forms_app import versions
from forms_app.catalog import form_for, forms_for
from forms_app.models import Form
from forms_app.submitting import submit
from orgs.permissions import APPROVE
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_actor
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import catalog
from workflows_app.approvals.deciding import decide
from workflows_app.executions import Outcome
from workflows_app.models import Approval

from .conftest import BUILDER

APPROVER = Actor("user", "3", "pat@acme.example", "Pat", make_actor(APPROVE).permissions)
COLLEAGUE = {
    "name": "Ann Lee",
    "email": "ann@acme.example",
    "start_on": "2026-03-02",
    "department": "it",
    "team": "Service desk",
    "needs": ["laptop", "badge"],
}
SCREEN = {"kind": "screen", "model": "S-24", "quantity": 2, "delivery": "office", "reason": "Two of us need one"}


@pytest.fixture
def shipped(settings: Any) -> None:
    settings.WORKSPACE = settings.BASE_DIR / "workspace"
    catalog.refresh()


@pytest.fixture
def running(engine_stops: None, shipped: None, acme: OrganizationRecord, msp: OrganizationRecord) -> Iterator[Worker]:
    """The forms are made, and a worker runs."""
    prepare_forms(msp)
    worker = Worker(acme)
    worker.start()
    yield worker
    worker.stop()


def send(organization: OrganizationRecord, actor: Actor, slug: str, values: dict[str, Any]) -> Outcome:
    outcome = submit(organization, actor, form_for(organization, slug, actor), values, uuid7()).outcome
    assert outcome is not None
    return outcome


def asked(organization: OrganizationRecord) -> Approval:
    def pending() -> Approval | None:
        with org_context(organization):
            return Approval.objects.filter(state="pending").first()

    return eventually(pending, "approval")


def test_they_are_made_once_for_every_customer_and_keep_what_staff_made_of_them(
    shipped: None, acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, requester: Actor
) -> None:
    prepare_forms(msp)
    for organization in (acme, globex):
        found = forms_for(organization, requester)
        assert {form.slug for form in found} == {form.slug for form in FORMS} and all(form.shared for form in found)
    with org_context(msp):
        form = Form.objects.get(slug="say-hello")
    versions.withdraw(msp, form.id, BUILDER)
    prepare_forms(msp)
    assert {form.slug for form in forms_for(acme, requester)} == {"onboarding", "request-equipment"}
    with org_context(acme):
        assert not Form.objects.exists()


def test_a_workspace_without_their_workflows_gets_none(msp: OrganizationRecord, workspace: Any) -> None:
    prepare_forms(msp)
    with org_context(msp):
        assert not Form.objects.exists()


def test_a_requester_onboards_a_colleague_whom_an_approver_lets_in(
    running: Worker, acme: OrganizationRecord, requester: Actor
) -> None:
    outcome = send(acme, requester, "onboarding", COLLEAGUE)
    approval = asked(acme)
    decide(acme, approval.id, APPROVER, approve=True, values={"team": "Security", "needs": ["badge"]})
    running.wake()
    end = running.end_of(acme, outcome)
    assert end.status == "Success"
    assert (end.result["account"], end.result["team"]) == ("ann", "Security")
    assert [task["task"] for task in end.result["tasks"]] == ["Create the account", "Print the badge"]


def test_the_form_asks_for_a_guest_s_last_day_and_for_a_team_of_the_department(
    running: Worker, acme: OrganizationRecord, requester: Actor
) -> None:
    for values, field in (
        ({**COLLEAGUE, "employment": "guest"}, "ends_on"),
        ({**COLLEAGUE, "team": "Payroll"}, "team"),
        ({**COLLEAGUE, "needs": ["helicopter"]}, "needs"),
    ):
        with pytest.raises(ValidationError) as refused:
            send(acme, requester, "onboarding", values)
        assert [each["field"] for each in refused.value.details["errors"]] == [field]


def test_cheap_equipment_is_ordered_at_once_and_expensive_waits(
    running: Worker, acme: OrganizationRecord, requester: Actor
) -> None:
    cheap = running.end_of(acme, send(acme, requester, "request-equipment", SCREEN))
    assert (cheap.status, cheap.result["total"]) == ("Success", 320.0)

    waiting = send(acme, requester, "request-equipment", {**SCREEN, "quantity": 9})
    decide(acme, asked(acme).id, APPROVER, approve=False)
    running.wake()
    assert running.end_of(acme, waiting).result == {"ordered": False, "model": "S-24"}


def test_the_shortest_form_answers_at_once(running: Worker, acme: OrganizationRecord, requester: Actor) -> None:
    assert send(acme, requester, "say-hello", {"message": "Hello World"}).result["processed"] == "HELLO WORLD"
