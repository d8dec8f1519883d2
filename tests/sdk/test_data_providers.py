"""What a data provider's arguments beside the context are: inputs, checked as a workflow's parameters."""

from __future__ import annotations

from datetime import date

import pytest

from bifrost.sdk.errors import ValidationError


@pytest.fixture
def provider_of(load):
    def one(source):
        found = load(source)
        assert found.problems == []
        [spec] = found.data_providers
        return spec

    return one


TEAMS = """
@data_provider(name="teams")
async def teams(context, department, site: str = "Oslo", size: int | None = None, *, since: date = None): ...
"""


def test_arguments_are_inputs_and_a_default_makes_one_optional(provider_of):
    spec = provider_of(TEAMS)
    assert spec.depends_on == ("department", "site", "size", "since")
    assert [parameter.name for parameter in spec.parameters if parameter.required] == ["department"]
    assert spec.validate({"department": {"id": 1}}) == {
        "department": {"id": 1},
        "site": "Oslo",
        "size": None,
        "since": None,
    }


def test_hints_say_what_is_taken_and_how_text_is_read(provider_of):
    spec = provider_of(TEAMS)
    assert spec.parse_text({"size": "3", "since": "2026-11-26"}) == {"size": 3, "since": "2026-11-26"}
    valid = spec.validate({"department": "it", "size": 3, "since": "2026-11-26"})
    assert spec.arguments(valid)["since"] == date(2026, 11, 26)
    with pytest.raises(ValidationError) as refused:
        spec.validate({"size": "3", "color": "red"})
    entries = {entry["field"]: entry["message"] for entry in refused.value.details["errors"]}
    assert set(entries) == {"department", "size", "color"}
    assert entries["color"] == "is not an input of this data provider"
    assert refused.value.message.startswith('Input "')


def test_what_it_needs_and_is_not_given(provider_of):
    spec = provider_of(TEAMS)
    assert (spec.not_given(["name", "site"]), spec.not_given(["department"])) == (["department"], [])


def test_a_hint_that_nobody_can_fill_is_a_problem(load):
    found = load('@data_provider(name="p")\nasync def p(context, thing: object.__class__): ...')
    assert found.data_providers == []
    [problem] = found.problems
    assert 'data provider "p": parameter "thing"' in str(problem)


def test_an_input_that_the_api_cannot_give_is_a_warning(provider_of):
    spec = provider_of('@data_provider(name="p")\nasync def p(context, refresh=False): ...')
    assert spec.warnings == ('the API cannot give an input "refresh": there it asks for newer options',)
