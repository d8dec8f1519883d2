"""Many requests in one."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost import IntegrationError, ValidationError
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.conftest import Connect, calls
from tests.integrations.msgraph.server import Graph
from tests.integrations.vendor import Fault, Reply

THROTTLED = Reply(429, {"error": {"code": "TooManyRequests", "message": "Slow down"}}, {"Retry-After": "7"})
PATH = ("POST", "/v1.0/$batch")


@pytest.mark.asyncio
async def test_answers_come_in_the_order_of_the_requests_20_at_a_time(graph: Graph, client: MicrosoftGraph) -> None:
    users = [graph.directory.add_user(f"User {number}") for number in range(45)]

    answers = await client.batch({"url": f"/users/{user['id']}?$select=displayName"} for user in users)

    assert [answer.display_name for answer in answers] == [f"User {number}" for number in range(45)]
    assert [len(asked.json["requests"]) for asked in graph.asked_for(*PATH)] == [20, 20, 5]


@pytest.mark.asyncio
async def test_reads_and_changes_of_every_kind(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann")

    answers = await client.batch(
        [
            {"method": "patch", "url": f"/users/{ann['id']}", "body": {"department": "IT"}},
            {"url": "users"},
            {"url": "/users?$search=\"displayName:ann\"", "headers": {"ConsistencyLevel": "eventual"}},
            {"method": "DELETE", "url": f"/users/{ann['id']}"},
        ]
    )  # fmt: skip

    assert ann["department"] == "IT"
    assert answers[0] == {}
    assert [user.display_name for user in answers[1].value] == ["Ann"]
    assert [user.display_name for user in answers[2]] == ["Ann"]
    assert graph.directory.users == {}
    assert await client.batch([]) == []


@pytest.mark.asyncio
async def test_a_failure_is_raised_once_all_are_sent(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann")

    with pytest.raises(IntegrationError, match=r"GET /v1\.0/users/\{id\} was answered with 404 Not Found") as refused:
        await client.batch([{"url": "/users/nobody@acme.example"}, {"method": "DELETE", "url": f"/users/{ann['id']}"}])

    assert (refused.value.status_code, refused.value.details["code"]) == (404, "Request_ResourceNotFound")
    assert graph.directory.users == {}


@pytest.mark.asyncio
async def test_or_is_in_its_place_among_the_answers(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann")

    first, second = await client.batch(
        [{"url": "/users/nobody@acme.example"}, {"url": "/users/ann@acme.example"}], on_error="collect"
    )

    assert isinstance(first, IntegrationError)
    assert first.status_code == 404
    assert second.display_name == "Ann"


@pytest.mark.asyncio
async def test_reads_alone_are_no_step_and_are_sent_again(graph: Graph, connect: Connect) -> None:
    ctx = connect()
    graph.faults.extend([Fault(effect=True), Fault(Reply(503)), Fault(effect=True)])

    await ctx.get_integration("msgraph").batch([{"url": "/users"}])

    assert [(call["endpoint"], call["status_code"]) for call in calls(ctx)[1:]] == [
        ("/v1.0/$batch", 503),
        ("/v1.0/$batch", 200),
    ]
    assert [record for record in ctx.records if record.kind == "step"] == []


@pytest.mark.asyncio
async def test_changes_are_a_step_and_are_not_sent_again(graph: Graph, connect: Connect) -> None:
    ctx = connect()
    ann = graph.directory.add_user("Ann")
    graph.faults.extend([Fault(effect=True), Fault(Reply(503), effect=True)])

    with pytest.raises(IntegrationError):
        await ctx.get_integration("msgraph").batch(
            [{"url": "/users"}, {"method": "DELETE", "url": f"/users/{ann['id']}"}]
        )

    assert len(graph.asked_for(*PATH)) == 1
    assert [record.name for record in ctx.records if record.kind == "step"] == ["msgraph POST /v1.0/$batch"]


@pytest.mark.asyncio
async def test_reads_that_graph_puts_off_are_sent_again_when_it_says(graph: Graph, connect: Connect) -> None:
    ctx = connect()
    for name in ("Ann", "Bob"):
        graph.directory.add_user(name)
    graph.batch_faults.extend([None, THROTTLED, Reply(503)])
    began = ctx.now()

    answers = await ctx.get_integration("msgraph").batch(
        [{"url": "/users/ann@acme.example"}, {"url": "/users/bob@acme.example"}]
    )

    assert [answer.display_name for answer in answers] == ["Ann", "Bob"]
    assert [len(asked.json["requests"]) for asked in graph.asked_for(*PATH)] == [2, 1, 1]
    assert (ctx.now() - began).total_seconds() >= 9


@pytest.mark.parametrize("wait", ["3600", None])
@pytest.mark.asyncio
async def test_but_not_for_ever(graph: Graph, client: MicrosoftGraph, wait: str | None) -> None:
    busy = Reply(429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": wait} if wait else {})
    graph.batch_faults.extend([busy] * 10)

    with pytest.raises(IntegrationError, match="429"):
        await client.batch([{"url": "/users"}])

    assert len(graph.asked_for(*PATH)) == (1 if wait else 4)


@pytest.mark.asyncio
async def test_a_change_that_graph_puts_off_is_the_author_s_to_repeat(graph: Graph, client: MicrosoftGraph) -> None:
    graph.batch_faults.append(THROTTLED)

    (answer,) = await client.batch([{"method": "POST", "url": "/groups", "body": {}}], on_error="collect")

    assert (answer.status_code, answer.details["retry_after"]) == (429, 7.0)
    assert len(graph.asked_for(*PATH)) == 1


@pytest.mark.parametrize("url", ["", "https://evil.example/users", "//evil.example/users", None])
@pytest.mark.asyncio
async def test_only_paths_of_graph_are_asked_for(graph: Graph, client: MicrosoftGraph, url: Any) -> None:
    with pytest.raises(ValidationError, match="must be a path like /users"):
        await client.batch([{"url": url or ""}])

    assert graph.calls() == []


@pytest.mark.parametrize("document", [{}, {"responses": None}, {"responses": []}])
@pytest.mark.asyncio
async def test_answers_that_are_missing_are_missed(graph: Graph, client: MicrosoftGraph, document: Any) -> None:
    graph.faults.extend([Fault(effect=True), Fault(Reply(json=document))])

    with pytest.raises(IntegrationError, match=r"holds no responses|is missing"):
        await client.batch([{"url": "/users"}])
