"""The page of a request says what was asked for, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from forms_app.models import Submission
from forms_app.portal.runs import telling
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change
from tests.workflows_app.rest.rows import make_events
from workflows_app.models import Execution

from .pages import PAGE, seen_by
from .rows import make_request, text, visit


def test_what_was_asked_stands_under_the_labels_of_the_form(acme: OrganizationRecord, grace: User) -> None:
    values = {"device": "lap", "amount": 250, "urgent": True, "pin": "4711", "source": "portal", "note": "x"}
    page = visit(grace).get(PAGE.format(make_request(acme, grace, input=values)))
    seen = text(page)
    assert "Which device Laptop Price 250 In a hurry Yes Your pin Hidden" in seen
    for hidden in ("Came from", "portal", "device lap", "4711", "Note"):
        assert hidden not in seen.partition("What was asked for")[2]


def test_dates_and_options_are_told_as_the_person_gave_them(acme: OrganizationRecord, grace: User) -> None:
    change(acme, timezone="Asia/Tokyo")
    items: list[dict[str, Any]] = [
        {"type": "field", "name": "begins", "label": "First day", "kind": "date"},
        {"type": "field", "name": "call", "label": "Call at", "kind": "datetime"},
        {"type": "field", "name": "team", "label": "Team", "kind": "choice", "provider": "teams"},
        {"type": "field", "name": "groups", "label": "Groups", "kind": "multiple_choice", "provider": "groups"},
        {"type": "field", "name": "rows", "label": "Devices", "kind": "group"}
        | {"fields": [{"name": "model", "label": "Which one", "kind": "choice", "provider": "models"}]},
    ]
    values = {"begins": "2026-12-03", "call": "2026-12-03T22:30:00Z", "team": "it", "groups": [7, "gone"]}
    values |= {"rows": [{"model": "x1"}, {"model": "x2"}]}
    execution = make_request(acme, grace, items=items, input=values)
    labels = {"team": {"it": "IT"}, "groups": {"json:7": "Seven"}, "rows.model": {"x1": "The small one"}}
    with org_context(acme):
        Submission.objects.filter(execution=execution).update(labels=labels)
    seen = seen_by(grace, execution).partition("What was asked for")[2]
    assert "First day 3 December 2026 Call at 4 December 2026, 07:30 Team IT Groups Seven gone" in seen
    assert "Devices Which one The small one x2" in seen


def test_what_was_approved_otherwise_stands_beside_it(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace, input={"amount": 250, "device": "lap"})
    with org_context(acme):
        Execution.objects.filter(id=execution).update(approved_input={"amount": 200, "device": "lap"})
    assert "Price Asked for: 250 Approved as 200" in seen_by(grace, execution)


def test_a_result_is_rendered_to_be_read(acme: OrganizationRecord, grace: User) -> None:
    result = {
        "ticket_url": "https://desk.example/7",
        "user": {"mail": "ann@acme.example", "password": "REDACTED"},
        "devices": [{"name": "L1", "new": True}, {"name": "L2", "new": False}],
        "tags": ["a", "b"],
        "evil": "<img src=x onerror=alert(1)>",
        "script": "javascript:alert(1)",
        "receipt": {"fileId": str(uuid4()), "name": "receipt.pdf", "contentType": "application/pdf", "size": 3},
        "empty": None,
    }
    page = visit(grace).get(PAGE.format(make_request(acme, grace, result=result)))
    body, seen = page.content.decode(), text(page)
    assert '<a href="https://desk.example/7" rel="noopener noreferrer nofollow">' in body
    assert "New Name Yes L1 No L2" in seen and "Mail ann@acme.example Password Hidden" in seen
    assert "<img src=x" not in body and 'href="javascript' not in body
    assert f"/o/acme/files/{result['receipt']['fileId']}" in body
    assert "{" not in seen.partition("Result")[2].partition("Steps")[0]


@pytest.mark.parametrize("result", ["All done", 7, ["a"], [{"a": 1}], {"a": {"b": {"c": {"d": [1, {"e": 2}]}}}}, True])
def test_every_result_can_be_rendered(acme: OrganizationRecord, grace: User, result: Any) -> None:
    assert "Result" in seen_by(grace, make_request(acme, grace, result=result))


@pytest.mark.parametrize(
    ("name", "message", "shown"),
    [
        ("ValidationError", "The address is taken.", "The address is taken."),
        ("DeviceSoldOut", "No laptop is left.", "No laptop is left."),
        ("IntegrationError", "401 from https://graph.example", "A service that this depends on"),
        ("InternalServerError", "KeyError: x", "Something went wrong on our side"),
        ("ConfigurationError", "Secret graph_key is missing", "not fully set up"),
        ("TimeoutError", "Workflow exceeded timeout of 3 seconds", "took longer than it may"),
        ("WorkerLost", "The process web-1 is gone", "It was interrupted"),
        ("RecoveryLimitExceeded", "lost 3 times", "Something went wrong on our side"),
    ],
)
def test_an_error_is_told_with_a_reference_and_without_innards(
    acme: OrganizationRecord, grace: User, name: str, message: str, shown: str
) -> None:
    error = {"error": name, "message": message, "details": {"integration": "graph", "traceback": "File a.py"}}
    execution = make_request(acme, grace, status="Failed", error=error, result=None)
    make_events(acme, execution, ("error", name, {**error, "traceback": "File b.py"}))
    page = visit(grace).get(PAGE.format(execution))
    seen = text(page)
    assert shown in seen and str(execution)[-8:] in seen
    if shown != message:
        assert message not in seen
    assert name not in page.content.decode() and ".py" not in page.content.decode()


def test_a_rejection_says_who_and_why(acme: OrganizationRecord, grace: User) -> None:
    error = {"error": "Rejected", "message": "Rejected by Olga: no money", "details": {}}
    seen = seen_by(grace, make_request(acme, grace, status="Rejected", error=error, result=None))
    assert "It was not approved" in seen and "Rejected by Olga: no money" in seen


def test_cards_take_the_place_of_the_plain_result(
    acme: OrganizationRecord, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {"key": None, "title": "Your laptop is on its way", "tone": "success", "text": "", "values": {}}
    card |= {"table": None, "columns": [], "links": [], "files": [], "moreRows": 0}
    monkeypatch.setattr(telling.cards, "cards_of", lambda *_: [card])
    seen = seen_by(grace, make_request(acme, grace, result={"raw": "value"}))
    assert "Your laptop is on its way" in seen and "raw" not in seen.lower()
