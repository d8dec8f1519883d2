"""The reports count right, and say which row is wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bifrost import ValidationError
from bifrost.testing import blocking_context, context
from workspace.workflows.automation.daily_license_check import daily_license_check
from workspace.workflows.reporting.license_cost_report import license_cost_report
from workspace.workflows.reporting.password_age_report import password_age_report
from workspace.workflows.reporting.warranty_report import warranty_report

LICENSES = [
    {"product": "Office", "bought": 10, "assigned": 7},
    {"product": "Visio", "bought": 1, "assigned": 2},
]


@pytest.mark.asyncio
async def test_unused_seats_cost_what_the_config_says() -> None:
    run = context(config={"license_prices": {"Office": 12.5}, "currency": "USD"})
    report = await license_cost_report(run, licenses=LICENSES)
    assert (report["currency"], report["unused_seats"], report["unused_cost"]) == ("USD", 3, 37.5)
    assert report["over_assigned"] == ["Visio"]


@pytest.mark.asyncio
async def test_missing_prices_are_warned_of() -> None:
    run = context()
    report = await license_cost_report(run, licenses=LICENSES)
    assert report["unused_cost"] == 0
    assert ("log", "warning") in [(record.kind, record.name) for record in run.records]


@pytest.mark.asyncio
@pytest.mark.parametrize("row", [{}, {"product": "Office", "bought": "many", "assigned": 1}, "Office"])
async def test_a_row_that_is_no_license_is_named(row: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        await license_cost_report(context(), licenses=[LICENSES[0], row])
    assert caught.value.details["row"] == 1


@pytest.mark.asyncio
async def test_the_daily_check_logs_products_with_unused_seats() -> None:
    run = context(config={"licenses": LICENSES})
    report = await daily_license_check(run)
    assert [row["product"] for row in report["unused_licenses"]] == ["Office"]
    assert [record.data["message"] for record in run.records if record.kind == "log"] == [
        "3 seats of Office are unused"
    ]


@pytest.mark.asyncio
async def test_passwords_older_than_the_policy_are_listed_oldest_first() -> None:
    accounts = [
        {"account": "ann", "changed_on": "2026-01-01"},
        {"account": "bob", "changed_on": "2025-06-01"},
        {"account": "eve", "changed_on": "2026-02-25"},
    ]
    run = context(config={"password_max_age_days": 30})
    report = await password_age_report(run, accounts=accounts, as_of=date(2026, 3, 1))
    assert report["overdue"] == [{"account": "bob", "days": 273}, {"account": "ann", "days": 59}]
    assert report["checked"] == 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "row", [{}, {"account": "", "changed_on": "2026-01-01"}, {"account": "a", "changed_on": "soon"}]
)
async def test_an_account_without_name_or_date_is_named(row: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        await password_age_report(context(), accounts=[row])
    assert caught.value.details["row"] == 0


def test_warranties_are_sorted_into_ended_ending_and_covered() -> None:
    assets = {"srv-1": "2026-02-28", "lt-7": "2026-03-10", "fw-1": "2028-01-01"}
    report = warranty_report(blocking_context(), assets=assets, within_days=60, as_of=date(2026, 3, 1))
    assert (report["ended"], report["ending"], report["covered"]) == (["srv-1"], ["lt-7"], 1)


def test_a_warranty_without_a_date_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        warranty_report(blocking_context(), assets={"srv-1": "soon"}, within_days=60)
    assert caught.value.details["device"] == "srv-1"
