"""What a run has done: one entry for each step, however many lines its journal has of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.rest.rows import STARTED, make_execution
from workflows_app.milestones import milestones_of
from workflows_app.models import ExecutionEvent


def journal(organization: OrganizationRecord, *lines: tuple[str, str, int, Any]) -> list[tuple[str, str, str]]:
    """The milestones of a run with these lines: kind, name, which one of them, data."""
    execution = make_execution(organization)
    with org_context(organization):
        for seq, (kind, name, number, data) in enumerate(lines, 1):
            ExecutionEvent.objects.create(
                execution_id=execution, seq=seq, at=STARTED, kind=kind, name=name, path="", number=number, data=data
            )
    return [(made.kind, made.name, made.state) for made in milestones_of(organization, execution)]


def test_many_lines_of_one_step_are_one_entry_with_its_last_state(acme: OrganizationRecord) -> None:
    assert journal(
        acme,
        ("step", "order", 0, {"state": "started"}),
        ("step", "tell", 0, {"state": "started"}),
        ("step", "order", 0, {"state": "alive", "heartbeat": 1}),
        ("step", "order", 0, {"state": "retrying", "until": 1}),
        ("step", "order", 1, {"state": "started"}),
        ("step", "order", 0, {"state": "done"}),
        ("log", "info", 0, {"message": "m"}),
    ) == [("step", "order", "done"), ("step", "tell", "started"), ("step", "order", "started")]


def test_another_attempt_begins_a_step_anew(acme: OrganizationRecord) -> None:
    assert journal(
        acme,
        ("step", "order", 0, {"state": "failed"}),
        ("step", "order", 0, {"state": "started"}),
    ) == [("step", "order", "started")]


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("approval", {"state": "started", "approvalId": "a"}, "started"),
        ("approval", {"state": "done", "value": {"approved": True}}, "approved"),
        ("approval", {"state": "done", "value": {"approved": False}}, "rejected"),
        ("approval", {"state": "done", "timedOut": True}, "timed out"),
        ("signal", {"state": "done", "timedOut": True}, "timed out"),
        ("child", {"state": "failed", "error": {}}, "failed"),
        ("saga", {"status": "Compensated"}, "undone"),
        ("saga", {"status": "CompensationFailed"}, "not undone"),
        ("step", None, "started"),
    ],
)
def test_each_state_is_told(acme: OrganizationRecord, kind: str, data: Any, state: str) -> None:
    assert journal(acme, (kind, "name", 0, data)) == [(kind, "name", state)]


def test_what_the_author_did_not_ask_for_as_a_step_is_none(acme: OrganizationRecord) -> None:
    lines = [("step", "get", 0, {"state": "done", "implicit": True}), ("saga", "order", 0, {"status": "Completed"})]
    assert journal(acme, *lines) == []


def test_an_undoing_and_what_the_saga_says_of_it_are_one_entry(acme: OrganizationRecord) -> None:
    assert journal(
        acme,
        ("step", "order", 0, {"state": "done"}),
        ("saga", "order", 0, {"status": "Completed"}),
        ("step", "order", 1, {"state": "done"}),
        ("saga", "order", 1, {"status": "Completed"}),
        ("step", "compensate order", 0, {"state": "started"}),
        ("step", "compensate order", 0, {"state": "retrying", "until": 1}),
        ("step", "compensate order", 0, {"state": "done"}),
        ("saga", "order", 2, {"status": "Compensated"}),
        ("step", "compensate order", 1, {"state": "failed"}),
        ("saga", "order", 3, {"status": "CompensationFailed"}),
    ) == [
        ("step", "order", "done"),
        ("step", "order", "done"),
        ("saga", "order", "undone"),
        ("saga", "order", "not undone"),
    ]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("started", "undoing"),
        ("retrying", "undoing"),
        ("waiting", "undoing"),
        ("done", "undone"),
        ("failed", "not undone"),
        ("cancelled", "cancelled"),
    ],
)
def test_an_undoing_is_told_as_one_from_its_begin(acme: OrganizationRecord, state: str, told: str) -> None:
    assert journal(
        acme,
        ("saga", "order", 0, {"status": "Completed"}),
        ("step", "compensate order", 0, {"state": state}),
    ) == [("saga", "order", told)]


def test_what_only_sounds_like_an_undoing_is_a_step(acme: OrganizationRecord) -> None:
    assert journal(
        acme,
        ("saga", "order", 0, {"status": "Completed"}),
        ("step", "compensate the customer", 0, {"state": "done"}),
    ) == [("step", "compensate the customer", "done")]


def test_undoings_of_two_tasks_are_two(acme: OrganizationRecord) -> None:
    execution = make_execution(acme)
    lines = [("step", "compensate order", {"state": "started"}, path) for path in ("1", "2")]
    lines += [("saga", "order", {"status": status}, path) for status, path in (("Compensated", "2"), ("Failed", "1"))]
    with org_context(acme):
        for seq, (kind, name, data, path) in enumerate(lines, 1):
            ExecutionEvent.objects.create(
                execution_id=execution, seq=seq, at=STARTED, kind=kind, name=name, path=path, number=0, data=data
            )
    assert [(made.name, made.state) for made in milestones_of(acme, execution)] == [
        ("order", "undoing"),
        ("order", "undone"),
    ]


def test_until_when_it_waits_is_a_time_where_it_is_one(acme: OrganizationRecord) -> None:
    for due, told in ((0, datetime(1970, 1, 1, tzinfo=UTC)), (None, None), (1e300, None), ("x", None)):
        execution = make_execution(acme)
        with org_context(acme):
            ExecutionEvent.objects.create(
                execution_id=execution,
                seq=1,
                at=STARTED,
                kind="timer",
                name="",
                path="",
                number=0,
                data={"state": "started", "due": due},
            )
        assert milestones_of(acme, execution)[0].due == told
