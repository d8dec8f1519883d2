"""What a workflow's checks say of a submission: warnings are confirmed, what blocks is refused."""

from __future__ import annotations

from typing import Any

import pytest
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from forms_app import submitting
from forms_app.catalog import FormRecord
from forms_app.submitting import run_checks_for, submit
from orgs.records import Actor, OrganizationRecord
from workflows_app.checks.running import Finding

from .conftest import (
    HELLO,
    finished,
    submissions,
)
from .conftest import executions as executions_of

pytestmark = pytest.mark.usefixtures("engine_stops")
WARNING = Finding("warn", "No license is free.", "licenses")
INFORMATION = Finding("inform", "Takes a day.", "duration")
BLOCKING = Finding("block", "This person exists already.", "exists")


def finding(monkeypatch: pytest.MonkeyPatch, *found: Finding) -> None:
    monkeypatch.setattr(submitting, "run_checks", lambda *_: list(found))


def test_a_warning_wants_to_be_confirmed(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding(monkeypatch, WARNING, INFORMATION)
    id_ = uuid7()
    first = submit(acme, requester, form, HELLO, id_)
    assert (first.outcome, first.findings) == (None, (WARNING, INFORMATION))
    assert submissions(acme) == executions_of(acme) == []
    assert finished(submit(acme, requester, form, HELLO, id_, confirmed=True)).status == "Success"


def test_information_stops_nobody(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding(monkeypatch, INFORMATION)
    done = submit(acme, requester, form, HELLO, uuid7())
    assert finished(done).status == "Success" and done.findings == (INFORMATION,)


def test_what_blocks_is_refused_confirmed_or_not(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding(monkeypatch, WARNING, BLOCKING)
    for confirmed in (False, True):
        with pytest.raises(ValidationError, match="exists already") as refused:
            submit(acme, requester, form, HELLO, uuid7(), confirmed=confirmed)
        assert [each["level"] for each in refused.value.details["checks"]] == ["warn", "block"]
    assert run_checks_for(acme, requester, form, HELLO) == [WARNING, BLOCKING]
    assert submissions(acme) == executions_of(acme) == []


def test_checks_get_what_the_workflow_would_get(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        submitting,
        "run_checks",
        lambda organization, loaded, values, actor: seen.append((loaded.spec.name, values)) or [],
    )
    submit(acme, requester, form, HELLO, uuid7())
    assert seen == [("greet", {"message": "hello", "times": 1})]
