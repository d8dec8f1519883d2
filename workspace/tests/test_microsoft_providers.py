"""What forms offer of an organization's Microsoft 365."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bifrost import IntegrationError
from bifrost.testing import context
from workspace.data_providers.microsoft import get_groups, get_m365_licenses, get_users

PROVIDERS = [get_m365_licenses, get_users, get_groups]


class Sku:
    """As the integration answers with it: attributes in snake_case."""

    def __init__(self, part_number: str, enabled: int, consumed: int) -> None:
        self.sku_id, self.sku_part_number, self.consumed_units = f"id-of-{part_number}", part_number, consumed
        self.prepaid_units = type("Units", (), {"enabled": enabled})()


class Graph:
    """Stands in for the integration."""

    async def get_subscribed_skus(self) -> list[Sku]:
        return [Sku("ENTERPRISEPACK", 25, 20), Sku("VISIOCLIENT", 5, 5)]

    async def get_users(self, filter: str) -> list[dict[str, Any]]:
        assert filter == "accountEnabled eq true"
        return [
            {"id": "1", "displayName": "Ann", "userPrincipalName": "ann@acme.example", "department": "IT"},
            {"id": "2", "displayName": "Bob", "userPrincipalName": "bob@acme.example", "department": None},
        ]

    async def get_groups(self, select: list[str]) -> list[dict[str, Any]]:
        names = ("sales", "IT")
        return [{"id": name, "displayName": name, "description": None, "mailEnabled": False} for name in names]


@pytest.mark.asyncio
async def test_licenses_of_which_some_are_left_are_offered() -> None:
    assert await get_m365_licenses(context(integrations={"msgraph": Graph()})) == [
        {
            "label": "ENTERPRISEPACK (5 available)",
            "value": "id-of-ENTERPRISEPACK",
            "metadata": {"available": 5, "price": 25},
        }
    ]


@pytest.mark.asyncio
async def test_people_are_offered_with_their_department() -> None:
    options = await get_users(context(integrations={"msgraph": Graph()}))

    assert [(option["label"], option["value"], option["metadata"]["department"]) for option in options] == [
        ("Ann (ann@acme.example)", "1", "IT"),
        ("Bob (bob@acme.example)", "2", "Unknown"),
    ]


@pytest.mark.asyncio
async def test_groups_are_offered_by_name() -> None:
    options = await get_groups(context(integrations={"msgraph": Graph()}))

    assert [option["label"] for option in options] == ["IT", "sales"]


@pytest.mark.asyncio
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_error_is_logged_and_offers_nothing(provider: Callable[[Any], Any]) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            async def fail(*args: Any, **kwargs: Any) -> None:
                raise IntegrationError("no permission", "msgraph", 403)

            return fail

    run = context(integrations={"msgraph": Broken()})

    assert await provider(run) == []
    (logged,) = [record for record in run.records if record.kind == "log"]
    assert (logged.name, logged.data["data"]) == ("error", {"error": "no permission"})
