"""The record of an execution that still runs shows its variables so far."""

from __future__ import annotations

from orgs.records import OrganizationRecord
from workflows_app.queries import get_execution

from .rows import make_events, make_execution


def test_the_last_value_of_each_variable_is_shown_while_it_runs(acme: OrganizationRecord) -> None:
    execution = make_execution(acme, status="Running", variables=None)
    make_events(acme, execution, ("variable", "done", 1), ("variable", "total", 9), ("variable", "done", 2))
    assert get_execution(acme, execution)["variables"] == {"done": 2, "total": 9}


def test_a_finished_execution_shows_what_its_row_holds(acme: OrganizationRecord) -> None:
    execution = make_execution(acme, status="Success", variables={"done": 3})
    make_events(acme, execution, ("variable", "done", 1))
    assert get_execution(acme, execution)["variables"] == {"done": 3}
