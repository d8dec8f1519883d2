"""Conditions: the same cases as the page's script (tests/pages/test_inputs.py), and what is refused as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bifrost.sdk.errors import DeclarationError
from workflows_app.inputs import conditions

CASES = json.loads(Path(__file__).with_name("conditions.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_condition_holds_or_does_not(case: dict[str, Any]) -> None:
    conditions.check(case["condition"], set(conditions.fields_in(case["condition"])))
    assert conditions.holds(case["condition"], case["values"]) is case["holds"]


def test_every_comparison_has_cases_of_both_kinds() -> None:
    def used(condition: dict[str, Any]) -> set[str]:
        parts = [*condition.get("all", ()), *condition.get("any", ()), *filter(None, [condition.get("not")])]
        return {condition.get("is", ""), *(word for part in parts for word in used(part))} - {""}

    assert {word for case in CASES for word in used(case["condition"])} == set(conditions.COMPARISONS)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("kind", "that is not like"),
        ([], "that is not like"),
        ({}, "on None, which is no field before it"),
        ({"field": "later", "is": "empty"}, "on 'later', which is no field before it"),
        ({"field": ["kind"], "is": "empty"}, "which is no field before it"),
        ({"field": "kind", "is": "like"}, "with 'like'; there are equals"),
        ({"field": "kind", "is": ["empty"]}, "there are equals"),
        ({"field": "kind", "is": "in", "value": "abc"}, "whose value is not a list"),
        ({"field": "kind", "is": "empty", "when": 1}, "the unknown part 'when'"),
        ({"all": []}, '"all" is not a list of conditions'),
        ({"any": {"field": "kind", "is": "empty"}}, '"any" is not a list of conditions'),
        ({"all": [{"field": "kind", "is": "empty"}], "field": "kind"}, "says more beside"),
        ({"not": [{"field": "kind", "is": "empty"}]}, "that is not like"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"field": "kind", "is": "empty"}}}}}}}, "that is not like"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_reason(condition: Any, reason: str) -> None:
    with pytest.raises(DeclarationError, match="has a condition") as refused:
        conditions.check(condition, {"kind"})
    assert reason in str(refused.value)
