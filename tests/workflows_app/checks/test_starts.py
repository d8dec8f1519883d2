"""Checks at the doors: what blocks refuses the API and forms, and nothing else asks them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bifrost.sdk.errors import ValidationError
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace
from tests.workflows_app.rest.conftest import ApiOf
from workflows_app.executions import Outcome, Start, submit, submit_all
from workflows_app.models import Execution

SOURCE = """
    licenses = {"left": 1}
    asked = []

    @check()
    def license_is_free(context, license):
        asked.append(license)
        return None if licenses["left"] > 0 else f"No {license} license is free."

    @check("warn")
    def is_dear(context, seats):
        return "More than ten seats are dear." if seats > 10 else None

    @check("inform")
    def hint(context):
        return "It takes a day."

    @workflow(checks=[license_is_free, is_dear, hint])
    async def order(context, license: str = "E3", seats: int = 1, takes: int = 0):
        licenses["left"] -= takes
        return len(asked)

    @workflow
    async def orders(context):
        licenses["left"] = 0
        return await context.execute_workflow("order")

    @workflow
    async def uses_up(context):
        licenses["left"] = 0
"""


@pytest.fixture(autouse=True)
def workflows(run: Run, workspace: Workspace) -> None:
    workspace.add(SOURCE)


def start(organization: OrganizationRecord, kind: str = "form", workflow: str = "order", **fields: Any) -> Outcome:
    given = {"parameters": {}, **fields}
    return submit(Start(organization=organization, workflow=workflow, actor=ADA, trigger={"type": kind}, **given))


def executions(organization: OrganizationRecord) -> int:
    with org_context(organization):
        return Execution.objects.filter(workflow="order").count()


@pytest.mark.parametrize("kind", ["form", "api"])
def test_what_blocks_starts_nothing_and_says_why(acme: OrganizationRecord, kind: str) -> None:
    start(acme, workflow="uses_up")

    with pytest.raises(ValidationError, match=r"^No E5 license is free\.$") as refused:
        start(acme, kind, parameters={"license": "E5", "seats": 20})

    assert refused.value.details == {
        "errors": [{"field": None, "message": "No E5 license is free."}],
        "checks": [
            {"level": "block", "message": "No E5 license is free.", "check": "license_is_free"},
            {"level": "warn", "message": "More than ten seats are dear.", "check": "is_dear"},
            {"level": "inform", "message": "It takes a day.", "check": "hint"},
        ],
    }
    assert executions(acme) == 0


@pytest.mark.parametrize("kind", ["form", "api"])
def test_what_warns_or_informs_stops_nothing_here(acme: OrganizationRecord, kind: str) -> None:
    assert start(acme, kind, parameters={"seats": 20}).status == "Success"


@pytest.mark.parametrize("kind", ["schedule", "webhook", "command", "retry"])
def test_what_nobody_fills_in_is_not_checked(acme: OrganizationRecord, kind: str) -> None:
    start(acme, workflow="uses_up")

    assert start(acme, kind).result == 0


def test_children_are_not_checked(acme: OrganizationRecord) -> None:
    assert start(acme, workflow="orders").result == 0


def test_who_has_asked_them_just_now_need_not_again(acme: OrganizationRecord) -> None:
    assert start(acme, checked=True).result == 0
    assert start(acme).result == 1


def test_bad_values_are_told_before_any_check_is_asked(acme: OrganizationRecord) -> None:
    with pytest.raises(ValidationError, match="seats"):
        start(acme, parameters={"seats": "many"})

    assert start(acme, "command").result == 0


def test_a_repeated_start_is_told_of_the_first_although_it_took_the_last(acme: OrganizationRecord) -> None:
    first = start(acme, idempotency_key="click", key_lifetime=None, parameters={"takes": 1})

    again = [start(acme, idempotency_key="click", key_lifetime=None, parameters={"takes": 1}) for _ in range(3)]

    assert {outcome.execution_id for outcome in again} == {first.execution_id}
    with pytest.raises(ValidationError, match="No E3 license"):
        start(acme, idempotency_key="another", parameters={"takes": 1})


def test_of_many_starts_those_that_are_blocked_say_so(acme: OrganizationRecord) -> None:
    free = Start(acme, "order", {}, ADA)
    start(acme, workflow="uses_up")

    [first, second] = submit_all([free, Start(acme, "order", {}, ADA, trigger={"type": "schedule"})])

    assert isinstance(first, ValidationError)
    assert isinstance(second, Outcome)


def test_the_api_answers_400_with_all_that_the_checks_say(api_of: ApiOf, acme: OrganizationRecord) -> None:
    start(acme, workflow="uses_up")

    answer = api_of(acme).post("/api/workflows/order", {"license": "E3"})

    body = json.loads(answer.content)
    assert (answer.status_code, body["error"], body["message"]) == (400, "ValidationError", "No E3 license is free.")
    assert [each["level"] for each in body["details"]["checks"]] == ["block", "inform"]
    assert body["executionId"] is None
