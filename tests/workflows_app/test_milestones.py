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
