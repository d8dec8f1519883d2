"""What was chosen among the options of data providers: it is looked for, once, and kept as the person read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from forms_app import labels
from forms_app.submitting import submit
from orgs.records import Actor, OrganizationRecord
from tests.workflows_app.providers import gates
from workflows_app.inputs.definition import Definition
from workflows_app.providers import asking

from .conftest import (
    FormMaker,
    Workspace,
    finished,
    record_of,
    submissions,
    wrong_fields,
)
from .conftest import executions as executions_of

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


def test_what_was_chosen_is_kept_as_the_person_read_it(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "paint"), requester)
    finished(submit(acme, requester, form, {"colour": "red", "shade": "light-red"}, uuid7()))
    [submission] = submissions(acme)
    assert submission.labels == {"colour": {"red": "Red"}, "shade": {"light-red": "Light red"}}


def test_of_rows_the_labels_of_all_are_kept_and_none_of_what_is_secret(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    chosen = {"type": "field", "kind": "choice", "provider": "colours"}
    rows = {"type": "field", "name": "lines", "kind": "group", "fields": [{**chosen, "name": "ink"}]}
    rows["fields"].append({**chosen, "name": "password"})
    form = record_of(acme, make_form(acme, "order", items=[rows, {**chosen, "name": "only", "sent": False}]), requester)
    lines = [{"ink": "red", "password": "red"}, {"ink": "blue"}]
    finished(submit(acme, requester, form, {"lines": lines, "only": "blue"}, uuid7()))
    [submission] = submissions(acme)
    assert submission.labels == {"lines.ink": {"red": "Red", "blue": "Blue"}}


def test_a_parameter_that_is_a_secret_has_no_label() -> None:
    item = {"type": "field", "name": "password", "kind": "choice", "provider": "colours"}
    assert labels.kept(Definition.read([item]), {"password"}, {"password": {"red": "Red"}}) == {}
    item["name"] = "door"
    assert labels.kept(Definition.read([item]), {"door"}, {"door": {"red": "Red"}}) == {}


def test_what_was_chosen_has_to_be_among_the_options_of_now(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "paint"), requester)
    good = {"colour": "red", "shade": "light-red"}
    assert finished(submit(acme, requester, form, good, uuid7())).result == ["red", "light-red"]
    for values, field in (
        ({"colour": "green"}, "colour"),
        ({"colour": "blue", "shade": "light-red"}, "shade"),  # chosen before its parent was changed
    ):
        with pytest.raises(ValidationError) as refused:
            submit(acme, requester, form, values, uuid7())
        assert wrong_fields(refused) == {field: "is not among the options"}
    assert len(executions_of(acme)) == 1


def test_options_within_a_repeating_group_are_checked_in_each_row(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    colour = {"name": "colour", "kind": "choice", "provider": "colours", "required": True}
    lines = {"type": "field", "name": "lines", "kind": "group", "fields": [colour], "required": True}
    form = record_of(acme, make_form(acme, "order", items=[lines]), requester)
    rows = [{"colour": "red"}, {"colour": "blue"}]
    assert finished(submit(acme, requester, form, {"lines": rows}, uuid7())).result == rows
    with pytest.raises(ValidationError) as refused:
        submit(acme, requester, form, {"lines": [{"colour": "red"}, {"colour": "green"}]}, uuid7())
    assert list(wrong_fields(refused)) == ["lines.1.colour"]


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
    assert set(gates.calls) == {("departments",)} and executions_of(acme) == []


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
