from __future__ import annotations

import pytest

from bifrost import IntegrationError
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.directory import E3, VISIO
from tests.integrations.msgraph.server import Graph


@pytest.mark.asyncio
async def test_subscriptions_are_as_the_guide_reads_them(client: MicrosoftGraph) -> None:
    skus = await client.get_subscribed_skus()

    assert [(sku.sku_part_number, sku.prepaid_units.enabled - sku.consumed_units) for sku in skus.value] == [
        ("ENTERPRISEPACK", 3),
        ("VISIOCLIENT", 0),
    ]


@pytest.mark.parametrize("sku", [E3, "ENTERPRISEPACK", "enterprisepack", {"skuId": E3, "id": "x"}])
@pytest.mark.asyncio
async def test_a_license_is_assigned_by_any_name_and_taken_back(
    graph: Graph, client: MicrosoftGraph, sku: object
) -> None:
    ann = graph.directory.add_user("Ann", usageLocation="NO")

    result = await client.assign_license("ann@acme.example", sku)
    assert result["id"] == ann["id"]
    assert [license.sku_part_number for license in await client.get_user_licenses(ann)] == ["ENTERPRISEPACK"]

    await client.remove_license(ann, sku)
    assert await client.get_user_licenses(ann) == []


@pytest.mark.asyncio
async def test_one_that_the_user_has_may_be_assigned_again(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann", usageLocation="NO")

    await client.assign_license(ann, E3)
    await client.assign_license(ann, E3, disabled_plans=["57ff2da0-773e-42df-b2af-ffb7a2317929"])

    (held,) = ann["assignedLicenses"]
    assert held == {"skuId": E3, "disabledPlans": ["57ff2da0-773e-42df-b2af-ffb7a2317929"]}
    assert graph.directory.skus[0]["consumedUnits"] == 1


@pytest.mark.asyncio
async def test_a_user_without_a_usage_location_gets_none_and_the_author_is_told_why(
    graph: Graph, client: MicrosoftGraph
) -> None:
    ann = graph.directory.add_user("Ann")

    with pytest.raises(IntegrationError, match="invalid usage location") as refused:
        await client.assign_license(ann, E3)
    assert "msgraph_usage_location" in refused.value.details["hint"]

    await client.assign_license(ann, E3, usage_location="NO")
    assert ann["usageLocation"] == "NO"


@pytest.mark.asyncio
async def test_a_subscription_that_is_used_up_says_so(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann", usageLocation="NO")

    with pytest.raises(IntegrationError, match="does not have any available licenses"):
        await client.assign_license(ann, VISIO)


@pytest.mark.asyncio
async def test_an_unknown_part_number_is_told_the_known_ones(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann", usageLocation="NO")

    with pytest.raises(IntegrationError, match='no subscription "E5"; there are: ENTERPRISEPACK, VISIOCLIENT') as none:
        await client.assign_license(ann, "E5")

    assert none.value.status_code == 404


@pytest.mark.asyncio
async def test_a_license_that_the_user_does_not_have_cannot_be_removed(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann")

    with pytest.raises(IntegrationError, match="does not have a corresponding license"):
        await client.remove_license(ann, E3)
