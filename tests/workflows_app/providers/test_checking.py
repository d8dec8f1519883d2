"""What was chosen is among the options, or refused with an entry for each bad field; not knowing is no refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bifrost.sdk.errors import ValidationError
from orgs.records import OrganizationRecord
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add
from workflows_app import catalog
from workflows_app.errors import ProviderFailed
from workflows_app.inputs.from_parameters import asked_of
from workflows_app.providers import asking, checking
from workflows_app.providers.checking import Chosen, check_options, check_parameters

PROVIDERS = """
    @data_provider()
    async def departments(context):
        gates.called("departments")
        return [{"label": "IT", "value": "it"}, {"label": "HR", "value": "hr"}]

    @data_provider()
    async def teams(context, department, site="Oslo"):
        gates.called("teams", department, site)
        return [{"label": "x", "value": f"{department}-{number}"} for number in (1, 2)]

    @data_provider()
    async def numbers(context):
        return [{"label": "one", "value": 1}, {"label": "yes", "value": True}, {"label": "pair", "value": [1, 2]}]

    @data_provider()
    async def broken(context):
        raise RuntimeError("no")

    @workflow(name="assign")
    @param("department", "string", data_provider="departments")
    @param("team", "string", data_provider="teams")
    @param("more", "list", data_provider="teams")
    @param("role", "string", default_value="none of them", data_provider="departments")
    async def assign(context, department=None, team=None, more=None, role="x"): ...

    @workflow(name="alone")
    @param("team", "string", data_provider="teams")
    @param("other", "string", data_provider="nowhere")
    async def alone(context, team=None, other=None): ...

    @workflow(name="broken_one")
    @param("choice", "string", data_provider="broken")
    async def broken_one(context, choice=None): ...
"""


def chosen(value: Any, provider: str = "departments", field: str = "department", **inputs: Any) -> Chosen:
    return Chosen(field, provider, inputs, value)


def problems(organization: OrganizationRecord, *made: Chosen) -> dict[str, str]:
    try:
        check_options(organization, made)
    except ValidationError as error:
        return {entry["field"]: entry["message"] for entry in error.details["errors"]}
    return {}


def test_what_is_among_them_is_told_by_its_label(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    several = chosen([1, True], "numbers", "several")
    found = check_options(acme, [chosen("it"), several, chosen([1, 2], "numbers", "pair"), chosen(None, field="none")])
    assert found["department"] == {"it": "IT"} and found["several"] == {"json:1": "one", "json:true": "yes"}
    assert found["pair"]["json:[1,2]"] == "pair" and "none" not in found


def of_parameters(
    organization: OrganizationRecord, name: str, values: Mapping[str, Any], touched: set[str] | None = None
) -> dict[str, str]:
    spec = catalog.find(name).spec
    try:
        check_parameters(organization, spec, spec.validate(values), touched=touched)
    except ValidationError as error:
        assert error.message.startswith('Parameter "')
        return {entry["field"]: entry["message"] for entry in error.details["errors"]}
    return {}


@pytest.mark.parametrize(
    "made",
    [
        chosen("it"),
        chosen(["it", "hr"]),
        chosen("it-2", "teams", department="it"),
        chosen(True, "numbers"),
        chosen(1.0, "numbers"),
        chosen([1, 2], "numbers"),
        chosen([1, True], "numbers"),
        # Nothing was chosen.
        chosen(None),
        chosen(""),
        chosen([]),
    ],
)
def test_what_is_offered_is_accepted(add: Add, acme: OrganizationRecord, made: Chosen) -> None:
    add(PROVIDERS)
    assert problems(acme, made) == {}


@pytest.mark.parametrize(
    "made",
    [
        chosen("IT"),
        chosen(["it", "sales"]),
        chosen("hr-1", "teams", department="it"),
        chosen(0, "numbers"),
        chosen("1", "numbers"),
        chosen([2], "numbers"),
        chosen({"it": 1}),
        chosen("'; DROP TABLE x --"),
    ],
)
def test_what_is_not_offered_is_refused(add: Add, acme: OrganizationRecord, made: Chosen) -> None:
    add(PROVIDERS)
    assert problems(acme, made) == {"department": "is not among the options"}


def test_each_bad_field_has_an_entry(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    made = (chosen("sales"), chosen("it"), chosen("it-9", "teams", "team", department="it"))
    assert list(problems(acme, *made)) == ["department", "team"]


def test_a_value_whose_parent_was_left_empty_is_refused_in_words(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    [said] = problems(acme, chosen("it-1", "teams", "team")).values()
    assert said.startswith('has no options for these values. Input "department"')


@pytest.mark.parametrize("provider", ["broken", "nowhere"])
def test_where_it_cannot_be_known_nothing_is_said_of_the_value(
    add: Add, acme: OrganizationRecord, provider: str
) -> None:
    add(PROVIDERS)
    with pytest.raises(ProviderFailed) as failed:
        check_options(acme, [chosen("sales"), chosen("x", provider)])
    assert (failed.value.status_code, failed.value.provider) == (503, provider)


def test_old_options_are_asked_for_anew_before_something_is_refused(
    add: Add, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(
        """
        @data_provider()
        async def growing(context):
            return [{"label": "x", "value": number} for number in range(gates.called())]
        """
    )
    asking.options_of(acme, "growing")
    # Just computed: they are believed.
    assert problems(acme, chosen(1, "growing")) == {"department": "is not among the options"}
    monkeypatch.setattr(checking, "FRESH", checking.FRESH * 0)
    # Another process may have offered what this one does not know yet.
    assert problems(acme, chosen(1, "growing")) == {}
    assert len(gates.calls) == 2


def test_several_fields_are_asked_at_once(add: Add, acme: OrganizationRecord) -> None:
    add(
        """
        @data_provider()
        async def together(context, number):
            gates.called(number)
            while len(gates.calls) < 3:
                await asyncio.sleep(0.002)
            return [{"label": "x", "value": 1}]
        """
    )
    assert problems(acme, *(chosen(1, "together", str(number), number=number) for number in range(3))) == {}


# --- a workflow's own parameters --------------------------------------------------------------------------------------


def test_parameters_are_checked_with_one_another(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    assert of_parameters(acme, "assign", {"department": "it", "team": "it-1", "more": ["it-1", "it-2"]}) == {}
    assert of_parameters(acme, "assign", {"department": "sales", "team": "it-1", "more": ["sales-1", "x"]}) == {
        "department": "is not among the options",
        "team": "is not among the options",
        "more": "is not among the options",
    }


def test_what_was_left_out_and_the_author_s_default_are_nobody_s_choice(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    assert of_parameters(acme, "assign", {}) == {}
    assert gates.calls == []
    assert list(of_parameters(acme, "assign", {"role": "another"})) == ["role"]


def test_what_nobody_touched_is_not_looked_at_unless_it_depends_on_what_was(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    values = {"department": "sales", "team": "sales-9", "role": "another"}
    assert of_parameters(acme, "assign", values, set()) == {} and gates.calls == []
    assert list(of_parameters(acme, "assign", values, {"role"})) == ["role"]
    assert list(of_parameters(acme, "assign", values, {"department"})) == ["department", "team"]


def test_what_nobody_can_offer_is_free_text_and_a_warning(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    assert of_parameters(acme, "alone", {"team": "anything", "other": "anything"}) == {}
    asked = asked_of(catalog.find("alone").spec)
    assert [(field.kind, field.provider) for field in asked.fields] == [("text", None)] * 2
    said = [warning.message for warning in catalog.current().warnings]
    assert any('takes "department", which is no parameter of the workflow; the field takes free' in one for one in said)
    assert any('names the data provider "nowhere", which does not exist' in one for one in said)


def test_a_provider_that_fails_is_no_word_on_the_parameter(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    with pytest.raises(ProviderFailed):
        of_parameters(acme, "broken_one", {"choice": "x"})
    assert of_parameters(acme, "broken_one", {}) == {}
