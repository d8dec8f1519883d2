"""What was chosen among the options of data providers is looked for once, by whoever can know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from forms_app.submitting import submit
from orgs.records import Actor, OrganizationRecord
from tests.workflows_app.providers import gates
from workflows_app.providers import asking

from .conftest import FormMaker, Workspace, executions, record_of

SOURCE = """
    from tests.workflows_app.providers import gates

    @data_provider(name="departments", cache_ttl_seconds=0)
    async def departments(context):
        gates.called("departments")
        return [{"label": "IT", "value": "it"}, {"label": "People", "value": "hr"}]

    @data_provider(name="teams", cache_ttl_seconds=0)
    async def teams(context, department):
        gates.called("teams", department)
        return [{"label": "First", "value": f"{department}-1"}]

    @data_provider(name="places", cache_ttl_seconds=0)
    async def places(context):
        gates.called("places")
        return [{"label": "Zoo", "value": "zoo"}, {"label": "IT", "value": "it"}]

    @workflow
    @param("department", "string", "Department", required=True, data_provider="departments")
    @param("team", "string", "Team", data_provider="teams")
    async def move(context, department: str, team: str | None = None):
        return [department, team]
"""
DEPARTMENT: dict[str, Any] = {"type": "field", "name": "department", "label": "Department"}
pytestmark = pytest.mark.usefixtures("engine_stops")


@pytest.fixture(autouse=True)
def source(samples: Workspace) -> Iterator[None]:
    samples.add(SOURCE, "workflows/moving.py")
    gates.reset()
    yield
    asking.stop()


def test_options_that_are_never_kept_are_asked_for_once(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "move"), requester)
    submitted = submit(acme, requester, form, {"department": "it", "team": "it-1"}, uuid7())
    assert submitted.outcome is not None and submitted.outcome.result == ["it", "it-1"]
    assert sorted(gates.calls) == [("departments",), ("teams", "it")]


def test_what_the_form_says_itself_is_looked_for_by_the_start(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    hidden = {**DEPARTMENT, "kind": "text", "mode": "hidden", "default": "zoo"}
    form = record_of(acme, make_form(acme, "move", items=[hidden]), requester)
    with pytest.raises(ValidationError, match="is not among the options"):
        submit(acme, requester, form, {}, uuid7())
    assert set(gates.calls) == {("departments",)} and executions(acme) == []


def test_what_was_chosen_among_other_options_is_looked_for_among_the_parameter_s(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    other = {**DEPARTMENT, "kind": "choice", "provider": "places"}
    form = record_of(acme, make_form(acme, "move", items=[other]), requester)
    with pytest.raises(ValidationError, match="is not among the options"):
        submit(acme, requester, form, {"department": "zoo"}, uuid7())
    submitted = submit(acme, requester, form, {"department": "it"}, uuid7())
    assert submitted.outcome is not None and submitted.outcome.result == ["it", None]
    assert [("places",), ("departments",)] == gates.calls[-2:]
