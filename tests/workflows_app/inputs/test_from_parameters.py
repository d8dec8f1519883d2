"""The form that a workflow's own parameters make."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Any, Literal

import pytest

from bifrost import param, workflow
from bifrost.sdk.registry import collect
from bifrost.sdk.specs import WorkflowSpec
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.from_parameters import definition_of


@workflow(name="everything", description="x")
@param("mail", "email", label="E-mail", required=True, description="Of the person")
@param("age", "int", required=True, validation={"min": 18})
@param("team", "string", data_provider="teams", required=True)
@param("token", "secret", default_value="never shown")
@param("start", "date", validation={"min": date(2026, 1, 31)})
async def everything(  # noqa: PLR0917 - nobody calls it
    context: Any,
    mail: str,
    age: int,
    team: str,
    token: str = "",
    start: date | None = None,
    size: Literal["S", "M"] = "M",
    level: Literal[1, 2] = 1,
    ratio: float = 0.5,
    vip: bool = False,
    groups: list[str] = [],  # noqa: B006 - as authors write it
    ports: list[int] = [],  # noqa: B006
    steps: list[dict[str, Any]] = [],  # noqa: B006
    labels: dict[str, str] = {},  # noqa: B006
    more: dict[str, Any] = {},  # noqa: B006
    at: datetime | None = None,
    anything: Any = None,
) -> None:
    """x"""


def spec_of(function: Any) -> WorkflowSpec:
    [spec] = (spec for spec in collect(sys.modules[__name__]).workflows if spec.function is function)
    return spec


@pytest.fixture(scope="module")
def definition() -> Definition:
    return definition_of(spec_of(everything), {"teams": ("mail", "country")})


def test_each_parameter_becomes_a_field_of_its_kind(definition: Definition) -> None:
    assert {field.name: field.kind for field in definition.fields} == {
        "mail": "email",
        "age": "number",
        "team": "choice",
        "token": "secret",
        "start": "date",
        "size": "choice",
        "level": "choice",
        "ratio": "number",
        "vip": "checkbox",
        "groups": "list",
        "ports": "list",
        "steps": "json",
        "labels": "key_value",
        "more": "json",
        "at": "datetime",
        "anything": "json",
    }


def test_it_can_be_kept_and_read_again(definition: Definition) -> None:
    assert Definition.read(definition.as_json()) == definition


def test_it_says_what_the_parameter_says(definition: Definition) -> None:
    mail, age = definition.field("mail"), definition.field("age")
    assert (mail.label, mail.help, mail.required) == ("E-mail", "Of the person", True)
    assert age.rules == {"min": 18, "whole": True}
    assert definition.field("start").rules == {"min": "2026-01-31"}
    assert definition.field("ports").rules == {"items": "whole"}
    assert [(choice.value, choice.label) for choice in definition.field("level").choices] == [(1, "1"), (2, "2")]
    assert not definition.field("vip").required


def test_a_secret_begins_empty(definition: Definition) -> None:
    assert not definition.field("token").has_default


def test_a_provider_takes_the_parameters_that_bear_its_arguments_names(definition: Definition) -> None:
    assert definition.field("team").inputs == {"mail": "mail"}


def test_what_the_form_yields_is_what_the_workflow_takes(definition: Definition) -> None:
    given = {"mail": "a@b.example", "age": 20, "team": "x", "ports": [1], "level": 2, "labels": {"a": "b"}}
    assert spec_of(everything).validate(definition.sent(definition.validate(given)))["ports"] == [1]
