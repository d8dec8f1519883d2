"""The data providers that ship, against the strict Graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integrations.msgraph.conftest import Connect
from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.server import Graph
from workspace.data_providers.microsoft import get_groups, get_m365_licenses, get_users


@pytest.mark.asyncio
async def test_they_offer_what_the_tenant_has(graph: Graph, connect: Connect) -> None:
    ann = graph.directory.add_user("Ann")
    graph.directory.add_user("Bob", accountEnabled=False)
    group = graph.directory.add_group("IT-Users", description="All of IT")

    assert [option["value"] for option in await get_m365_licenses(connect())] == [E3]
    assert [option["value"] for option in await get_users(connect())] == [ann["id"]]
    assert await get_groups(connect()) == [
        {
            "label": "IT-Users",
            "value": group["id"],
            "metadata": {"description": "All of IT", "mail_enabled": False},
        }
    ]


@pytest.mark.parametrize("provider", [get_m365_licenses, get_users, get_groups])
@pytest.mark.asyncio
async def test_an_organization_that_is_not_connected_has_none_and_the_log_says_why(
    connect: Connect, provider: Callable[[Any], Any]
) -> None:
    ctx = connect(config={"msgraph_client_id": None})

    assert await provider(ctx) == []

    assert [(record.name, record.data["data"]) for record in ctx.records if record.kind == "log"] == [
        (
            "error",
            {
                "error": 'Microsoft Graph is not connected: there is no OAuth connection "msgraph" or "Microsoft", and'
                " no config or secret msgraph_client_id"
            },
        )
    ]
