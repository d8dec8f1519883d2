"""A form in front of somebody: what the page shows at first, and what becomes of what comes back.

A page carries the id of its submission, so that many clicks are one. A warning of the workflow's checks is confirmed
by the button under it, which stands for those warnings and no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from uuid6 import uuid7

from bifrost.sdk.errors import PermissionError as PermissionDenied
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from forms_app.catalog import FormRecord
from forms_app.errors import SubmissionTaken
from forms_app.submitting import Submitted
from orgs.errors import Denied
from workflows_app.inputs.changing import changes, with_added, without_removed
from workflows_app.inputs.offering import Offer
from workflows_app.inputs.reading import Files, prefilled, read
from workflows_app.inputs.rendering import Asked

SUBMISSION, CONFIRMED = "-submission", "-confirmed"
# The names of the inputs whose values no page may show.
SECRETS = "-secrets"
Problems = Sequence[tuple[str, str]]
# Takes the values, the id of the submission and whether warnings were confirmed.
Submit = Callable[[Mapping[str, JSON], UUID, bool], Submitted]


@dataclass(frozen=True)
class Filling:
    """Who fills in what: `offers` are the options of data providers for values, where there are any."""

    form: FormRecord
    zone: ZoneInfo
    submit: Submit
    offers: Callable[[Mapping[str, JSON]], Mapping[str, Offer]] = lambda values: {}
    options_url: str = ""
    files: Files | None = None


@dataclass(frozen=True)
class Page:
    """What is shown. `findings` are those of checks; `earlier` is the execution that this page has started before."""

    asked: Asked
    submission: UUID
    status: int = 200
    findings: Sequence[Any] = ()
    earlier: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def confirmation(self) -> str:
        """What stands for the warnings that are shown."""
        return digest_of(self.findings)


def begin(filling: Filling, request: HttpRequest) -> Page:
    """The form as it begins, with what the link says. Options come once the page is there."""
    values = prefilled(filling.form.definition, request.GET, filling.zone)
    return Page(_asked(filling, values), uuid7())


def take(filling: Filling, request: HttpRequest) -> Submitted | Page:
    """What came of it, or the page again: with what is wrong, or what a button of the page has changed."""
    data = without_removed(request.POST)
    definition = filling.form.definition
    values, problems = read(definition, data, request.FILES, zone=filling.zone, keeping=filling.files)
    submission = _submission(data.get(SUBMISSION, ""))
    if changes(data):
        return _again(filling, Page(_asked(filling, with_added(definition, values, data)), submission))
    page = Page(_asked(filling, values), submission)
    if problems := [*problems, *_invalid(filling, values, {place for place, _problem in problems})]:
        return _again(filling, _wrong(page, problems))
    sent = _send(filling, page, data.get(CONFIRMED, ""))
    return _again(filling, sent) if isinstance(sent, Page) else sent


def problems_of(invalid: ValidationError) -> list[tuple[str, str]]:
    """One for each bad field; those of no field are sentences."""
    errors = invalid.details.get("errors") or [{"field": invalid.field, "message": invalid.message}]
    return [(str(each["field"] or ""), str(each["message"])) for each in errors]


def digest_of(findings: Sequence[Any]) -> str:
    said = "\n".join(f"{finding.level} {finding.check} {finding.message}" for finding in findings)
    return hashlib.sha256(said.encode()).hexdigest()


def _send(filling: Filling, page: Page, confirmed: str) -> Submitted | Page:
    """Submits what was filled in; the page with the reason where it is refused or has to be confirmed."""
    values = page.asked.values
    try:
        done = filling.submit(values, page.submission, False)
        if done.outcome is None and confirmed == digest_of(done.findings):
            done = filling.submit(values, page.submission, True)
    except ValidationError as invalid:
        return _wrong(page, problems_of(invalid))
    except PermissionDenied as denied:
        return _wrong(page, [("", denied.message)], status=403)
    except Denied as denied:
        return _refused(page, denied)
    return done if done.outcome is not None else replace(page, findings=done.findings)


def _invalid(filling: Filling, values: Mapping[str, JSON], known: set[str]) -> list[tuple[str, str]]:
    """What the definition finds wrong, beside what could not be read."""
    try:
        filling.form.definition.validate(values)
    except ValidationError as invalid:
        return [(place, message) for place, message in problems_of(invalid) if place not in known]
    return []


def _wrong(page: Page, problems: Problems, status: int = 400) -> Page:
    return replace(page, asked=replace(page.asked, problems=tuple(problems)), status=status)


def _refused(page: Page, denied: Denied) -> Page:
    """Refused as a whole. A page that was submitted before gets a new id: who sends it again means a new one."""
    wrong = replace(_wrong(page, [("", denied.message)], denied.status_code), headers=dict(denied.headers))
    if isinstance(denied, SubmissionTaken):
        return replace(wrong, submission=uuid7(), earlier=str(denied.details.get("executionId", "")))
    return wrong


def _again(filling: Filling, page: Page) -> Page:
    """With the options at once: who has no script sees them only so."""
    return replace(page, asked=replace(page.asked, offers=filling.offers(page.asked.values)))


def _asked(filling: Filling, values: Mapping[str, JSON]) -> Asked:
    return Asked(
        filling.form.definition,
        values,
        options_url=filling.options_url,
        zone=filling.zone,
        token=filling.files.token if filling.files else None,
    )


def _submission(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid7()
