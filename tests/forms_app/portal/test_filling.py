"""What becomes of a form that comes back: warnings that are confirmed, and what refuses it as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory

from bifrost.sdk.errors import PermissionError, ValidationError
from forms_app.catalog import FormRecord
from forms_app.portal.filling import Filling, Page, take
from forms_app.submitting import Submitted
from workflows_app.checks.running import Finding
from workflows_app.errors import PlatformUnavailable, TooManyWaiting
from workflows_app.executions import Outcome
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.offering import Offer

TWIN = Finding("warn", "There is somebody of that name already.", "twin")
LATE = Finding("warn", "The first day is tomorrow.", "late")
NOTE = Finding("inform", "Two licenses are left.", "licenses")
DONE = Outcome(str(uuid4()), "Queued")
FORM = FormRecord(
    id=uuid4(),
    slug="welcome",
    name="Welcome",
    description="",
    category="General",
    workflow="welcome",
    version=1,
    shared=False,
    version_id=uuid4(),
    definition=Definition.read([{"name": "name", "required": True}, {"name": "pin", "kind": "secret"}]),
    submit_label="",
    confirmation="",
)


class Door:
    """Where submissions arrive: it has findings, or refuses, as a test wants it."""

    def __init__(self, *findings: Finding, refusal: Exception | None = None) -> None:
        self.findings = findings
        self.refusal = refusal
        self.seen: list[tuple[Mapping[str, Any], UUID, bool]] = []

    def submit(self, values: Mapping[str, Any], submission: UUID, confirmed: bool) -> Submitted:
        self.seen.append((values, submission, confirmed))
        if self.refusal:
            raise self.refusal
        warns = any(finding.level == "warn" for finding in self.findings)
        return Submitted(DONE if confirmed or not warns else None, self.findings, submission)

    def take(self, **texts: str) -> Submitted | Page:
        data = {"-asked": ["v.name", "v.pin"], "v.name": "Ada", "-submission": str(SUBMISSION), **texts}
        offers = {"name": Offer()}
        filling = Filling(FORM, ZoneInfo("UTC"), self.submit, offers=lambda values: offers)
        return take(filling, RequestFactory().post("/", data))


SUBMISSION = uuid4()


def test_what_nobody_warns_of_is_submitted_once() -> None:
    door = Door(NOTE)
    taken = door.take()
    assert isinstance(taken, Submitted) and taken.outcome == DONE
    assert door.seen == [({"name": "Ada", "pin": None}, SUBMISSION, False)]


def test_a_warning_is_shown_and_its_button_confirms_it() -> None:
    door = Door(TWIN, NOTE)
    page = door.take(**{"v.pin": "hunter2"})
    assert isinstance(page, Page) and (page.status, page.findings) == (200, (TWIN, NOTE))
    assert page.submission == SUBMISSION and [confirmed for *_, confirmed in door.seen] == [False]
    assert "hunter2" not in render_to_string("inputs/form.html", {"asked": page.asked})
    taken = door.take(**{"-confirmed": page.confirmation})
    assert isinstance(taken, Submitted) and taken.outcome == DONE


@pytest.mark.parametrize("confirmed", ["", "true", "0" * 64])
def test_a_confirmation_of_other_warnings_is_none(confirmed: str) -> None:
    first = Door(TWIN).take()
    assert isinstance(first, Page)
    for given in (confirmed, first.confirmation):
        door = Door(TWIN, LATE)
        page = door.take(**{"-confirmed": given})
        assert isinstance(page, Page) and page.findings == (TWIN, LATE)
        assert not any(confirmed for *_, confirmed in door.seen)


def test_what_blocks_is_a_problem_of_no_field() -> None:
    errors = [{"field": None, "message": "There is no license left."}, {"field": "name", "message": "is taken"}]
    page = Door(refusal=ValidationError("x", details={"errors": errors})).take()
    assert isinstance(page, Page) and page.status == 400
    assert [(problem.label, problem.message) for problem in page.asked.summary] == [
        ("", "There is no license left."),
        ("Name", "is taken"),
    ]


@pytest.mark.parametrize(
    ("refusal", "status", "headers"),
    [
        (PermissionError("This form is not for you."), 403, {}),
        (PlatformUnavailable("This form is not for you."), 503, {}),
        (TooManyWaiting("This form is not for you.", 7), 429, {"Retry-After": "7"}),
        (ValidationError("This form is not for you."), 400, {}),
    ],
)
def test_a_refusal_is_told_and_nothing_that_was_typed_is_lost(
    refusal: Exception, status: int, headers: dict[str, str]
) -> None:
    page = Door(refusal=refusal).take()
    assert isinstance(page, Page) and (page.status, dict(page.headers)) == (status, headers)
    assert [problem.message for problem in page.asked.summary] == ["This form is not for you."]
    assert page.asked.values["name"] == "Ada" and page.submission == SUBMISSION
    # The options are there at once, for who has no script.
    assert page.asked.offers == {"name": Offer()}


def test_what_is_wrong_by_itself_is_never_sent() -> None:
    door = Door()
    page = door.take(**{"v.name": "  "})
    assert isinstance(page, Page) and page.status == 400 and door.seen == []
    assert [(problem.target, problem.message) for problem in page.asked.summary] == [("i-v-name", "must be filled in")]
