"""What goes wrong at Microsoft and on the way there."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost import IntegrationError
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.conftest import Connect, calls
from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.server import Graph
from tests.integrations.vendor import Fault, Reply

LET_IN = Fault(effect=True)
BUSY = Reply(429, {"error": {"code": "TooManyRequests", "message": "Too many requests"}}, {"Retry-After": "11"})
BROKEN = Reply(500, {"error": {"code": "InternalServerError", "message": "Sorry"}})


class Impatient(MicrosoftGraph):
    service_options = {**MicrosoftGraph.service_options, "timeout": 0.3}


@pytest.mark.parametrize(
    ("reply", "least"), [(BUSY, 11), (Reply(429, BUSY.json), 0.3), (BROKEN, 0.3), (Reply(504), 0.3)]
)
@pytest.mark.asyncio
async def test_a_read_is_tried_again_when_microsoft_says(
    graph: Graph, connect: Connect, reply: Reply, least: float
) -> None:
    ctx = connect()
    graph.directory.add_user("Ann")
    graph.faults.extend([LET_IN, Fault(reply)])
    began = ctx.now()

    assert len(await ctx.get_integration("msgraph").get_users()) == 1

    assert [call["status_code"] for call in calls(ctx)] == [200, reply.status, 200]
    assert (ctx.now() - began).total_seconds() >= least


@pytest.mark.asyncio
async def test_signing_in_is_tried_again_too(graph: Graph, client: MicrosoftGraph) -> None:
    graph.faults.append(Fault(Reply(503)))

    assert await client.get_users() == []


@pytest.mark.asyncio
async def test_one_that_stays_busy_is_given_up(graph: Graph, client: MicrosoftGraph) -> None:
    graph.faults.extend([LET_IN, *[Fault(BUSY)] * 4])

    with pytest.raises(IntegrationError, match="429") as error:
        await client.get_users()

    assert error.value.details["retry_after"] == 11
    assert len(graph.calls()) == 4


@pytest.mark.parametrize("fault", [Fault(BUSY), Fault(BROKEN, effect=True), Fault(effect=True, seconds=1.5)])
@pytest.mark.asyncio
async def test_a_user_is_not_made_twice(graph: Graph, connect: Connect, fault: Fault) -> None:
    graph.faults.extend([LET_IN, fault])

    with pytest.raises(IntegrationError) as error:
        await connect(Impatient).get_integration("msgraph").create_user("ann@acme.example")

    assert graph.calls() == [("POST", "/users")]
    assert len(graph.directory.users) == (1 if fault.effect else 0)
    if fault.seconds:
        assert "look before you ask again" in error.value.details["hint"]


@pytest.mark.asyncio
async def test_a_change_that_comes_to_the_same_is_sent_again(graph: Graph, connect: Connect) -> None:
    client = connect(Impatient).get_integration("msgraph")
    ann, group = graph.directory.add_user("Ann", usageLocation="NO"), graph.directory.add_group("IT-Users")
    done_and_lost = Fault(effect=True, seconds=1.0)

    graph.faults.extend([LET_IN, done_and_lost])
    await client.update_user(ann["id"], department="IT")
    graph.faults.append(done_and_lost)
    await client.add_user_to_group(ann["id"], group["id"])
    graph.faults.append(done_and_lost)
    await client.assign_license(ann["id"], E3)

    assert (ann["department"], graph.directory.members[group["id"]]) == ("IT", [ann["id"]])
    assert graph.directory.skus[0]["consumedUnits"] == 1
    assert len(graph.calls()) == 6


@pytest.mark.asyncio
async def test_a_truncated_answer_is_asked_for_again_where_it_was_a_read(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann")
    graph.faults.extend([LET_IN, Fault(effect=True, cut=20)])

    assert len(await client.get_users()) == 1
    assert len(graph.calls()) == 2


@pytest.mark.parametrize("text", ['{"value": [{"id": ', "<html>Bad gateway</html>", ""])
@pytest.mark.asyncio
async def test_an_answer_that_is_no_json_is_microsoft_s_failure(
    graph: Graph, client: MicrosoftGraph, text: str
) -> None:
    graph.faults.extend([LET_IN, Fault(Reply(200, text=text))])

    with pytest.raises(IntegrationError, match="the answer is not JSON"):
        await client.get_users()


@pytest.mark.parametrize("document", [None, [], "user"])
@pytest.mark.asyncio
async def test_nor_is_one_that_is_no_object(graph: Graph, client: MicrosoftGraph, document: Any) -> None:
    graph.faults.extend([LET_IN, Fault(Reply(json=document))])

    with pytest.raises(IntegrationError, match="the answer is no object"):
        await client.get_user("ann@acme.example")


@pytest.mark.asyncio
async def test_a_missing_permission_says_what_to_do(graph: Graph, client: MicrosoftGraph) -> None:
    denied = {"code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation."}
    graph.faults.extend([LET_IN, Fault(Reply(403, {"error": denied}))])

    with pytest.raises(IntegrationError, match="Insufficient privileges") as error:
        await client.get_user("ann@acme.example")

    assert error.value.details["code"] == "Authorization_RequestDenied"
    assert "lack a permission" in error.value.details["hint"]
