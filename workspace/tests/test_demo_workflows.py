"""The workflows behind the demo forms, and their options."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from workflows.examples.request_equipment import request_equipment
from workflows.user_management.welcome_colleague import welcome_colleague

from bifrost import ValidationError
from bifrost.testing import context
from workspace.data_providers.workplace import get_equipment, get_equipment_kinds, get_teams

ORDER: dict[str, Any] = {
    "kind": "laptop",
    "model": "L-16",
    "quantity": 3,
    "delivery": "office",
    "address": None,
    "reason": "New team",
}
COLLEAGUE: dict[str, Any] = {
    "name": "Ann Lee",
    "email": "Ann.Lee@acme.example",
    "start_on": date(2026, 3, 2),
    "ends_on": None,
    "department": "it",
    "team": "Security",
    "needs": ["laptop", "ladder"],
}


def asked_for(run: Any) -> list[str]:
    return [record.name for record in run.records if record.kind == "approval"]


@pytest.mark.asyncio
async def test_teams_depend_on_the_department_and_on_the_config() -> None:
    assert [team["value"] for team in await get_teams(context(), "hr")] == ["Recruiting", "Payroll"]
    assert [team["value"] for team in await get_teams(context(), "zoo")] == ["General"]
    configured = context(config={"teams_hr": "People, , Culture"})
    assert [team["value"] for team in await get_teams(configured, "hr")] == ["People", "Culture"]


@pytest.mark.asyncio
async def test_each_kind_of_equipment_has_items_cheapest_first() -> None:
    for kind in await get_equipment_kinds(context()):
        prices = [item["metadata"]["price"] for item in await get_equipment(context(), kind["value"])]
        assert prices and prices == sorted(prices)
    assert await get_equipment(context(), "yacht") == []


@pytest.mark.asyncio
async def test_below_the_limit_nobody_is_asked() -> None:
    run = context(config={"equipment_limit": 10_000})
    result = await request_equipment(run, **{**ORDER, "quantity": 1})
    assert (result["ordered"], result["total"]) == (True, 1_950.0) and asked_for(run) == []


@pytest.mark.asyncio
async def test_whoever_approves_may_allow_fewer() -> None:
    run = context(approvals=[{"approved": True, "values": {"quantity": 2}}])
    result = await request_equipment(run, **ORDER)
    assert (result["quantity"], result["total"]) == (2, 3_900.0)
    assert asked_for(run) == ['3 x Engineering laptop 16" for Test User']


@pytest.mark.asyncio
@pytest.mark.parametrize("approvals", [[{"approved": False}], []])
async def test_without_a_yes_nothing_is_ordered(approvals: list[Any]) -> None:
    run = context(approvals=approvals)
    assert await request_equipment(run, **ORDER) == {"ordered": False, "model": "L-16"}
    assert [record for record in run.records if record.kind == "step"] == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "field"), [({"model": "S-24"}, "model"), ({"model": "?"}, "model"), ({"delivery": "home"}, "address")]
)
async def test_an_order_that_makes_no_sense_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        await request_equipment(context(), **{**ORDER, **change})
    assert refused.value.field == field


@pytest.mark.asyncio
async def test_a_colleague_is_welcomed_once_somebody_agrees() -> None:
    run = context(approvals=[{"approved": True, "values": {"team": "Infrastructure"}}])
    result = await welcome_colleague(run, **COLLEAGUE)
    assert (result["account"], result["team"]) == ("ann.lee", "Infrastructure")
    assert [task["task"] for task in result["tasks"]] == [
        "Create the account",
        "Prepare the laptop",
        "Prepare: ladder",
    ]
    assert {task["due"] for task in result["tasks"]} == {"2026-03-01"}
    steps = [record.name for record in run.records if record.kind == "step"]
    assert steps == [task["task"] for task in result["tasks"]], "each has a title of its own"


@pytest.mark.asyncio
async def test_without_a_yes_nobody_is_welcomed_and_a_guest_does_not_leave_before_coming() -> None:
    assert await welcome_colleague(context(approvals=[{"approved": False}]), **COLLEAGUE) == {
        "approved": False,
        "account": "ann.lee",
    }
    with pytest.raises(ValidationError) as refused:
        await welcome_colleague(context(), **{**COLLEAGUE, "ends_on": date(2026, 3, 1)})
    assert refused.value.field == "ends_on"
