from __future__ import annotations

import pytest

from bifrost import IntegrationError
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.server import Graph


@pytest.mark.asyncio
async def test_groups_are_listed_searched_and_got(graph: Graph, client: MicrosoftGraph) -> None:
    it = graph.directory.add_group("IT-Users")
    graph.directory.add_group("HR-Users")

    assert [group.display_name for group in await client.get_groups()] == ["IT-Users", "HR-Users"]
    assert [group["id"] for group in (await client.get_groups(search="it-us")).value] == [it["id"]]
    assert await client.get_group(it["id"]) == it
    assert await client.get_group("a0000000-0000-4000-8000-ffffffffffff") is None


@pytest.mark.asyncio
async def test_a_group_s_name_gives_its_id(graph: Graph, client: MicrosoftGraph) -> None:
    group = graph.directory.add_group("R&D's + 100% #1")

    assert await client.get_group_by_name("R&D's + 100% #1") == group["id"]


@pytest.mark.asyncio
async def test_a_name_of_no_group_or_of_two_is_an_error_that_says_so(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_group("Twins")
    graph.directory.add_group("Twins")

    with pytest.raises(IntegrationError, match='there is no group "IT-Users"') as none:
        await client.get_group_by_name("IT-Users")
    with pytest.raises(IntegrationError, match='more than one group is called "Twins"') as two:
        await client.get_group_by_name("Twins")

    assert (none.value.status_code, two.value.status_code) == (404, 409)


@pytest.mark.asyncio
async def test_a_user_comes_and_goes(graph: Graph, client: MicrosoftGraph) -> None:
    ann, group = graph.directory.add_user("Ann"), graph.directory.add_group("IT-Users")

    await client.add_user_to_group(ann["id"], group["id"])
    assert [member.display_name for member in await client.get_group_members(group)] == ["Ann"]
    assert [each.display_name for each in await client.get_user_groups(ann)] == ["IT-Users"]

    await client.remove_user_from_group("ann@acme.example", group)
    assert await client.get_group_members(group) == []


@pytest.mark.asyncio
async def test_a_user_may_be_added_by_name_and_again(graph: Graph, client: MicrosoftGraph) -> None:
    ann, group = graph.directory.add_user("Ann"), graph.directory.add_group("IT-Users")

    await client.add_user_to_group("ann@acme.example", group["id"])
    await client.add_user_to_group(ann, group)

    assert graph.directory.members[group["id"]] == [ann["id"]]


@pytest.mark.asyncio
async def test_nobody_is_added_to_no_group(graph: Graph, client: MicrosoftGraph) -> None:
    ann, group = graph.directory.add_user("Ann"), graph.directory.add_group("IT-Users")
    nobody = "a0000000-0000-4000-8000-ffffffffffff"

    for user, where in ((ann["id"], nobody), (nobody, group["id"]), ("nobody@acme.example", group["id"])):
        with pytest.raises(IntegrationError) as refused:
            await client.add_user_to_group(user, where)
        assert refused.value.status_code == 404


@pytest.mark.asyncio
async def test_groups_of_both_kinds_are_made(graph: Graph, client: MicrosoftGraph) -> None:
    security = await client.create_group("IT Users", "All of IT")
    mail = await client.create_group("Søren, Ann & co", mail_enabled=True, visibility="Private")

    kept = graph.directory.groups
    assert (security["id"], security.description) == (kept[security["id"]]["id"], "All of IT")
    assert (kept[security["id"]]["securityEnabled"], kept[security["id"]]["mailNickname"]) == (True, "ITUsers")
    assert (kept[mail["id"]]["groupTypes"], kept[mail["id"]]["visibility"]) == (["Unified"], "Private")
