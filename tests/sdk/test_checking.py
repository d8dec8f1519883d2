"""@check and @workflow(checks=[...]): what is declared, and how an author tests a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bifrost import Caller, CheckContext, IntegrationError, check, testing
from bifrost.sdk.specs import WorkflowSpec

WorkflowOf = Callable[[str], WorkflowSpec]
ProblemsOf = Callable[[str], list[str]]
THREE = """
@check
async def is_free(context, license): ...

@check("warn")
def is_dear(context, seats, license): ...

@check(level="inform")
def says_all(context, **values): ...
"""
TAIL = """
@workflow(checks=[{}])
async def order(context, license: str, seats: int = 1): ...
"""


def test_a_check_is_an_ordinary_function() -> None:
    @check()
    def never(context: CheckContext) -> str:
        return "no"

    assert never(testing.check_context()) == "no"


def test_its_name_its_level_and_what_it_takes_are_known(workflow_of: WorkflowOf) -> None:
    spec = workflow_of(THREE + TAIL.format("is_free, is_dear, says_all"))

    assert [(each.name, each.level, each.takes) for each in spec.checks] == [
        ("is_free", "block", ("license",)),
        ("is_dear", "warn", ("seats", "license")),
        ("says_all", "inform", ("license", "seats")),
    ]


def test_without_checks_there_are_none(workflow_of: WorkflowOf) -> None:
    assert workflow_of("@workflow\nasync def plain(context): ...").checks == ()


@pytest.mark.parametrize(
    ("declared", "given", "problem"),
    [
        ("def plain(context): ...", "plain", "'plain' among its checks is no function with @check"),
        ("", "'is_free'", "'is_free' among its checks is no function with @check"),
        ("@check('stop')\ndef a(context): ...", "a", "the check \"a\" has the level 'stop', which is none of"),
        ("@check()\ndef a(context, seat): ...", "a", 'the check "a" takes "seat", which is no parameter'),
        ("@check()\ndef a(): ...", "a", 'the check "a": the function must take the context as its first parameter'),
        ("@check()\ndef a(context):\n    yield 1", "a", 'the check "a" must return its answer, not yield it'),
        ("@check()\ndef a(context): ...", "a, a", 'there are two checks "a"'),
    ],
)
def test_a_wrong_one_is_a_problem_of_its_workflow(
    problems_of: ProblemsOf, declared: str, given: str, problem: str
) -> None:
    [told] = problems_of(declared + "\n" + TAIL.format(given))

    assert f'workflow "order": {problem}' in told


def test_checks_have_to_be_a_list(problems_of: ProblemsOf) -> None:
    [told] = problems_of("@workflow(checks='is_free')\nasync def w(context): ...")

    assert told.endswith("checks must be a list of functions")


# --- an author's test of a check -------------------------------------------------------------------------------------


async def license_is_free(context: CheckContext, license: str) -> str | None:
    options = await context.get_options("get_licenses", region="eu")
    left = {option["value"]: option["metadata"].get("left") for option in options}
    return None if left.get(license) else f"No {license} is free at {context.org_name} ({context.caller.name})."


@pytest.mark.asyncio
async def test_a_check_is_tested_with_the_options_it_asks_for() -> None:
    options = {"get_licenses": [{"value": "E3", "label": "E3", "metadata": {"left": 2}}, "E5"]}
    context = testing.check_context(options=options, org_name="Acme", caller=Caller("1", "a@b.example", "Ada"))

    assert await license_is_free(context, "E3") is None
    assert await license_is_free(context, "E5") == "No E5 is free at Acme (Ada)."


@pytest.mark.asyncio
async def test_options_may_depend_on_inputs_and_may_fail() -> None:
    def by_region(region: str) -> list[Any]:
        return [{"value": "E3", "metadata": {"left": 1}}] if region == "eu" else []

    assert await license_is_free(testing.check_context(options={"get_licenses": by_region}), "E3") is None
    with pytest.raises(IntegrationError, match="away"):
        await license_is_free(testing.check_context(options={"get_licenses": IntegrationError("away")}), "E3")
    with pytest.raises(Exception, match='no data provider "get_licenses"'):
        await license_is_free(testing.check_context(), "E3")


def test_configs_are_copies() -> None:
    context = testing.check_context(config={"limits": {"seats": 3}})

    context.get_config("limits")["seats"] = 9

    assert context.get_config("limits") == {"seats": 3}
    assert (context.get_config("missing", 7), context.has_config("limits"), context.has_config("x")) == (7, True, False)
