"""Onboarding and offboarding as they ship, the license audit and the ticket webhook."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost import Caller, IntegrationError, ValidationError
from bifrost.testing import RecordingContext, context
from workspace.workflows.automation.ticket_webhook import ticket_webhook
from workspace.workflows.reporting.license_audit import license_audit
from workspace.workflows.user_management.employee_offboarding import employee_offboarding
from workspace.workflows.user_management.employee_onboarding import employee_onboarding


class Service:
    """Notes what it is asked for, answers as told, and fails where told."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.asked.append((name, *args))
            answer = self.answers.get(name, {})
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    @property
    def names(self) -> list[str]:
        return [each[0] for each in self.asked]


def connected(graph: Service, halo: Service, **arguments: Any) -> RecordingContext:
    return context(integrations={"msgraph": graph, "halopsa": halo}, config={"halopsa_client_id": 12}, **arguments)


ANN = {"id": "u1", "displayName": "Ann"}


@pytest.mark.asyncio
async def test_a_new_colleague_gets_everything_and_the_desk_a_ticket() -> None:
    graph, halo = Service(create_user=ANN, get_group_by_name="g1"), Service(create_ticket={"id": 7})

    result = await employee_onboarding(connected(graph, halo), "ann@acme.com", "Ann", "IT", "E3", ["IT-Users"])

    assert result == {"user_id": "u1", "email": "ann@acme.com", "groups": ["IT-Users"], "ticket_id": 7}
    assert graph.names == ["create_user", "assign_license", "get_group_by_name", "add_user_to_group"]


@pytest.mark.asyncio
async def test_what_fails_undoes_what_was_done_before() -> None:
    graph = Service(create_user=ANN, get_group_by_name="g1")
    halo = Service(create_ticket=IntegrationError("Halo is away", "halopsa", 503))

    with pytest.raises(IntegrationError, match="Halo is away"):
        await employee_onboarding(connected(graph, halo), "ann@acme.com", "Ann", "IT", "E3", ["IT-Users"])

    assert graph.asked[-3:] == [
        ("remove_user_from_group", "u1", "g1"),
        ("remove_license", "u1", "E3"),
        ("delete_user", "u1"),
    ]


LEAVING = {"get_user": ANN, "get_user_licenses": [{"skuId": "E3"}, {"skuId": "P1"}]}
YES = {"approved": True, "decided_by": Caller("b", "bob@acme.com", "Bob")}


@pytest.mark.asyncio
async def test_who_leaves_is_locked_out_once_somebody_said_yes() -> None:
    graph, halo = Service(**LEAVING), Service(create_ticket={"id": 7})

    result = await employee_offboarding(connected(graph, halo, approvals=[YES]), "ann@acme.com", "bob@acme.com", "")

    assert (result["blocked"], result["licenses_returned"], result["ticket_id"]) == (True, 2, 7)
    assert result["approved_by"] == "bob@acme.com"
    assert graph.asked[2:] == [("disable_user", "u1"), ("remove_license", "u1", "E3"), ("remove_license", "u1", "P1")]


@pytest.mark.asyncio
async def test_a_no_changes_nothing() -> None:
    graph, halo = Service(**LEAVING), Service()
    no = {**YES, "approved": False, "comment": "She stays"}

    result = await employee_offboarding(connected(graph, halo, approvals=[no]), "ann@acme.com", "bob@acme.com", "")

    assert (result["blocked"], result["comment"]) == (False, "She stays")
    assert (graph.names, halo.asked) == (["get_user", "get_user_licenses"], [])


@pytest.mark.asyncio
async def test_who_is_not_there_is_named() -> None:
    with pytest.raises(ValidationError, match="no such user"):
        await employee_offboarding(connected(Service(get_user=None), Service()), "x@acme.com", "bob@acme.com", "")


SKUS = [
    {"skuPartNumber": "E3", "prepaidUnits": {"enabled": 10}, "consumedUnits": 7},
    {"skuPartNumber": "P1", "prepaidUnits": {"enabled": 2}, "consumedUnits": 2},
]


@pytest.mark.parametrize(("limit", "ticket"), [(0, 7), (100, None)])
@pytest.mark.asyncio
async def test_the_audit_opens_a_ticket_where_too_much_is_wasted(limit: int, ticket: int | None) -> None:
    graph, halo = Service(get_subscribed_skus=SKUS), Service(create_ticket={"id": 7})
    config = {"license_prices": {"E3": 20.0}, "license_waste_limit": limit, "halopsa_client_id": 12}
    here = context(integrations={"msgraph": graph, "halopsa": halo}, config=config)

    result = await license_audit(here)

    assert (result["unused_cost"], result["ticket_id"]) == (60.0, ticket)


@pytest.mark.asyncio
async def test_a_ticket_starts_what_it_asks_for_and_is_told_so() -> None:
    halo, given = Service(), {}

    async def onboarding(_: Any, **fields: Any) -> None:
        given.update(fields)

    here = connected(Service(), halo, workflows={"employee_onboarding": onboarding})

    result = await ticket_webhook(here, 4711, "New starter", {"email": "ann@acme.com"})

    assert result["started"] == "employee_onboarding"
    assert halo.asked == [("add_ticket_action", 4711, f"Started employee_onboarding: {result['execution_id']}")]


@pytest.mark.asyncio
async def test_a_ticket_about_something_else_is_left_alone() -> None:
    halo = Service()

    assert await ticket_webhook(connected(Service(), halo), 4711, "Printer", {}) == {"ticket_id": 4711, "started": None}
    assert halo.asked == []
