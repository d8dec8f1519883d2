"""A request is cancelled from its page, or asked for again."""

from __future__ import annotations

from uuid import UUID

from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_user
from tests.workflows_app.rest.rows import make_execution
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Execution, Status

from .pages import GOING, PAGE
from .rows import make_request, of_person, submit, text, visit


def waiting(acme: OrganizationRecord, person: User) -> UUID:
    execution = make_request(acme, person, status=Status.QUEUED, **{**GOING, "started_at": None})
    with shared_context():
        Dispatch.objects.create(
            execution=execution, organization=acme.id, workflow="request_equipment", status=Status.QUEUED
        )
    return execution


def test_one_is_asked_before_it_is_cancelled_and_a_get_cancels_nothing(acme: OrganizationRecord, grace: User) -> None:
    execution = waiting(acme, grace)
    client = visit(grace)
    assert PAGE.format(execution) + "/cancel" in client.get(PAGE.format(execution)).content.decode()
    assert "“Order a device” will be stopped" in text(client.get(PAGE.format(execution) + "/cancel"))
    with org_context(acme):
        assert Execution.objects.get(id=execution).status == "Queued"
    answer = client.post(PAGE.format(execution) + "/cancel")
    assert answer.headers["Location"] == PAGE.format(execution)
    seen = text(client.get(PAGE.format(execution)))
    assert "Cancelled at" in seen and "Cancelled by Grace." in seen
    # Once more, from another tab: nothing happens.
    for answer in (client.get(PAGE.format(execution) + "/cancel"), client.post(PAGE.format(execution) + "/cancel")):
        assert answer.headers["Location"] == PAGE.format(execution)


def test_who_may_only_look_cancels_nothing(acme: OrganizationRecord, grace: User) -> None:
    execution = waiting(acme, grace)
    viewer = visit(make_user(acme, "viewer"))
    assert "/cancel" not in viewer.get(PAGE.format(execution)).content.decode()
    assert viewer.get(PAGE.format(execution) + "/cancel").status_code == 403
    assert viewer.post(PAGE.format(execution) + "/cancel").status_code == 403
    with org_context(acme):
        assert Execution.objects.get(id=execution).status == "Queued"


def test_asking_again_leads_to_the_form_filled_in_as_it_was(acme: OrganizationRecord, grace: User) -> None:
    values = {"device": "lap", "amount": 250, "urgent": True, "pin": "4711", "source": "portal", "other": "x"}
    execution = make_request(acme, grace, input=values)
    client = visit(grace)
    assert PAGE.format(execution) + "/again" in client.get(PAGE.format(execution)).content.decode()
    answer = client.get(PAGE.format(execution) + "/again")
    assert answer.headers["Location"] == "/o/acme/forms/order-a-device?device=lap&amount=250&urgent=true"


def test_what_is_too_long_for_an_address_is_left_out(acme: OrganizationRecord, grace: User) -> None:
    items = [{"type": "field", "name": name, "label": name} for name in ("long", "short")]
    execution = make_request(acme, grace, items=items, input={"long": "ä" * 900, "short": "a&b=c"})
    location = visit(grace).get(PAGE.format(execution) + "/again").headers["Location"]
    assert location.endswith("/forms/order-a-device?short=a%26b%3Dc")


def test_what_no_form_started_cannot_be_asked_for_again(acme: OrganizationRecord, grace: User, olga: User) -> None:
    execution = make_execution(acme, **of_person(grace))
    client = visit(grace)
    assert "/again" not in client.get(PAGE.format(execution)).content.decode()
    assert client.get(PAGE.format(execution) + "/again").status_code == 404
    submit(acme, execution, grace)
    viewer = visit(make_user(acme, "viewer"))
    assert viewer.get(PAGE.format(execution) + "/again").status_code == 404, "who may fill in no form"
