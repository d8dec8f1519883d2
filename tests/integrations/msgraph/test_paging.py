"""Collections come in pages, and change while they are read."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost import IntegrationError
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.server import Graph
from tests.integrations.vendor import Fault, Reply


def fill(graph: Graph, count: int, page_size: int | None = None) -> None:
    for number in range(count):
        graph.directory.add_user(f"User {number:04}")
    graph.page_size = page_size


def names(users: Any) -> list[str]:
    return [user["displayName"] for user in users]


@pytest.mark.asyncio
async def test_all_pages_are_read_and_as_few_as_there_can_be(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 1_500)

    users = await client.get_users()

    assert names(users) == [f"User {number:04}" for number in range(1_500)]
    assert [asked.query["$top"] for asked in graph.asked if asked.method == "GET"] == ["999", "999"]


@pytest.mark.asyncio
async def test_a_stream_asks_for_a_page_when_it_is_wanted(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 9, page_size=3)
    seen = []

    async for user in client.get_users_stream(filter="accountEnabled eq true"):
        seen.append(user.display_name)
        if len(seen) == 4:
            break

    assert seen == [f"User {number:04}" for number in range(4)]
    assert len(graph.calls()) == 2


@pytest.mark.parametrize(("top", "pages"), [(1, 1), (3, 1), (4, 2), (100, 3)])
@pytest.mark.asyncio
async def test_top_is_how_many_in_all(graph: Graph, client: MicrosoftGraph, top: int, pages: int) -> None:
    fill(graph, 8, page_size=3)

    assert len(await client.get_users(top=top)) == min(top, 8)
    assert len(graph.calls()) == pages


@pytest.mark.asyncio
async def test_every_page_of_an_advanced_query_says_that_it_is_one(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 5, page_size=2)

    assert len(await client.get_users(search="User")) == 5
    assert [asked.headers.get("consistencylevel") for asked in graph.asked[1:]] == ["eventual"] * 3


@pytest.mark.asyncio
async def test_who_comes_while_it_is_read_makes_nobody_come_twice(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 6, page_size=2)

    def somebody_comes_first() -> None:
        graph.between_pages = None
        first = graph.directory.add_user("Aaron")
        graph.directory.users = {first["id"]: first, **graph.directory.users}

    graph.between_pages = somebody_comes_first

    assert names(await client.get_users()) == [f"User {number:04}" for number in range(6)]


@pytest.mark.asyncio
async def test_an_empty_page_is_not_the_end(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 2, page_size=1)
    empty = Reply(json={"value": [], "@odata.nextLink": f"{graph.url}/v1.0/users?%24top=999"})
    graph.faults.extend([Fault(effect=True), Fault(empty)])

    assert len(await client.get_users()) == 2


@pytest.mark.asyncio
async def test_a_list_whose_page_expired_is_read_again_from_its_beginning(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 4, page_size=2)
    gone = Reply(400, {"error": {"code": "Directory_ExpiredPageToken", "message": "The specified page token expired"}})
    graph.faults.extend([Fault(effect=True), Fault(effect=True), Fault(gone)])

    assert names(await client.get_users()) == [f"User {number:04}" for number in range(4)]


@pytest.mark.asyncio
async def test_a_stream_that_was_read_too_slowly_says_so(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 4, page_size=2)
    seen = []

    with pytest.raises(IntegrationError, match="page token value has expired"):
        async for user in client.get_users_stream():
            seen.append(user)
            graph.expire_pages()

    assert len(seen) == 2


@pytest.mark.asyncio
async def test_a_next_page_at_another_host_is_not_read(graph: Graph, client: MicrosoftGraph) -> None:
    fill(graph, 4, page_size=2)
    graph.next_host = "https://evil.example"

    with pytest.raises(IntegrationError, match=r"its next page would be at another host, evil\.example"):
        await client.get_users()

    assert len(graph.calls()) == 1


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1:1"])
@pytest.mark.asyncio
async def test_nor_by_another_scheme_or_port(graph: Graph, client: MicrosoftGraph, host: str) -> None:
    fill(graph, 2, page_size=1)
    graph.next_host = f"http://{host}"

    with pytest.raises(IntegrationError, match="another host"):
        await client.get_users()


@pytest.mark.asyncio
async def test_pages_that_go_round_in_a_circle_come_to_an_end(graph: Graph, client: MicrosoftGraph) -> None:
    round_and_round = Reply(json={"value": [], "@odata.nextLink": f"{graph.url}/v1.0/users?%24skiptoken=1"})
    graph.faults.extend([Fault(effect=True), *[Fault(round_and_round)] * 3])

    with pytest.raises(IntegrationError, match="go round in a circle"):
        await client.get_users()


@pytest.mark.parametrize("document", [[], {}, {"value": {}}, {"value": None}, "users"])
@pytest.mark.asyncio
async def test_what_is_no_collection_is_said_to_be_none(graph: Graph, client: MicrosoftGraph, document: Any) -> None:
    graph.faults.extend([Fault(effect=True), Fault(Reply(json=document))])

    with pytest.raises(IntegrationError, match="the answer is no collection"):
        await client.get_users()
