"""context.http: httpx's client with what a workflow needs beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bifrost import CircuitBreakerOpen, IntegrationError, step
from bifrost.sdk.errors import DeclarationError
from bifrost.testing import RecordingContext, context

URL = "https://api.example.com"


class Server:
    """Answers with what the test laid down, in order, the last one for ever; keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer, json={"status": answer})


def asking(*answers: Any, **arguments: Any) -> tuple[RecordingContext, Server]:
    server = Server(*answers)
    return context(http=server, **arguments), server


def calls(ctx: RecordingContext) -> list[dict[str, Any]]:
    return [record.data for record in ctx.records if record.kind == "integration_call"]


def steps(ctx: RecordingContext) -> list[tuple[str, Any]]:
    return [(record.name, record.data) for record in ctx.records if record.kind == "step"]


@pytest.mark.asyncio
async def test_a_read_is_tracked_and_is_no_step() -> None:
    ctx, server = asking(200)

    response = await ctx.http("crm", base_url=URL).get("/users/12", params={"q": "ann"})

    assert (response.json(), str(server.asked[0].url)) == ({"status": 200}, f"{URL}/users/12?q=ann")
    (call,) = calls(ctx)
    assert call == {
        "integration": "crm",
        "method": "GET",
        "endpoint": "/users/{id}",
        "status_code": 200,
        "duration_ms": call["duration_ms"],
        "success": True,
        "error": None,
        "tracked": True,
    }
    assert steps(ctx) == []


@pytest.mark.asyncio
async def test_a_request_that_may_change_something_is_a_step_of_its_own() -> None:
    ctx, _ = asking(httpx.Response(201, json={"id": 7}, headers={"Location": "/users/7"}))

    response = await ctx.http("crm", base_url=URL).post("/users", json={"name": "Ann"})

    assert (response.status_code, response.json(), response.headers["location"]) == (201, {"id": 7}, "/users/7")
    ((name, data),) = steps(ctx)
    assert name == "crm POST /users"
    assert (data["value"]["status"], data["value"]["json"]) == (201, {"id": 7})


@pytest.mark.asyncio
async def test_inside_a_step_and_where_it_only_reads_it_is_none() -> None:
    ctx, server = asking(200)
    client = ctx.http("crm", base_url=URL)

    @step
    async def create() -> int:
        return (await client.post("/users", json={})).status_code

    assert await ctx.step(create) == 200
    await client.post("/search", json={}, extensions={"safe": True})

    assert [name for name, _ in steps(ctx)] == ["create"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "failure", [429, 500, 502, 503, 504, httpx.ReadTimeout("slow"), httpx.ConnectError("no"), httpx.ReadError("cut")]
)
@pytest.mark.asyncio
async def test_a_read_that_failed_in_passing_is_sent_again(failure: Any) -> None:
    ctx, server = asking(failure, failure, 200)

    assert (await ctx.http("crm", base_url=URL).get("/users")).status_code == 200

    assert len(server.asked) == 3
    assert [call["success"] for call in calls(ctx)] == [False, False, True]


@pytest.mark.parametrize("failure", [400, 401, 403, 404, 409, 422, 501])
@pytest.mark.asyncio
async def test_what_will_not_pass_is_raised_at_once(failure: int) -> None:
    ctx, server = asking(failure)

    with pytest.raises(IntegrationError) as raised:
        await ctx.http("crm", base_url=URL).get("/users")

    assert (raised.value.status_code, raised.value.integration, len(server.asked)) == (failure, "crm", 1)


@pytest.mark.parametrize("failure", [429, 500, 503, httpx.ReadTimeout("slow")])
@pytest.mark.asyncio
async def test_what_may_have_changed_something_is_not_sent_again(failure: Any) -> None:
    ctx, server = asking(failure)

    with pytest.raises(IntegrationError):
        await ctx.http("crm", base_url=URL).post("/users", json={})

    assert len(server.asked) == 1


@pytest.mark.asyncio
async def test_unless_it_is_said_to_be_idempotent() -> None:
    ctx, server = asking(503, 200)

    await ctx.http("crm", base_url=URL).put("/users/1", json={}, extensions={"idempotent": True})

    assert len(server.asked) == 2


@pytest.mark.asyncio
async def test_or_the_service_knows_a_request_by_its_key() -> None:
    ctx, server = asking(503, 200)
    client = ctx.http("crm", base_url=URL, idempotency_header="Idempotency-Key")

    await client.post("/users", json={"name": "Ann"})
    await client.post("/users", json={"name": "Bob"})

    keys = [request.headers["Idempotency-Key"] for request in server.asked]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.asyncio
async def test_a_service_is_left_alone_as_long_as_it_wants() -> None:
    ctx, server = asking(httpx.Response(429, headers={"Retry-After": "20"}), 200)
    began = ctx.now()

    await ctx.http("crm", base_url=URL).get("/users")

    assert 20 <= (ctx.now() - began).total_seconds() < 21
    assert len(server.asked) == 2


@pytest.mark.asyncio
async def test_but_not_for_longer_than_a_minute() -> None:
    ctx, server = asking(httpx.Response(429, headers={"Retry-After": "3600"}))

    with pytest.raises(IntegrationError) as raised:
        await ctx.http("crm", base_url=URL).get("/users")

    assert (raised.value.details["retry_after"], len(server.asked)) == (3600, 1)


@pytest.mark.asyncio
async def test_in_the_end_it_is_raised_with_what_the_service_said() -> None:
    ctx, server = asking(httpx.Response(503, json={"message": "Maintenance"}))

    with pytest.raises(IntegrationError, match="503 Service Unavailable: Maintenance"):
        await ctx.http("crm", base_url=URL).get("/users")

    assert len(server.asked) == 4


@pytest.mark.asyncio
async def test_an_error_may_be_looked_at_instead() -> None:
    ctx, _ = asking(404)
    client = ctx.http("crm", base_url=URL, raises=False)

    assert (await client.get("/users/1")).status_code == 404
    assert (await client.delete("/users/1")).json() == {"status": 404}


@pytest.mark.asyncio
async def test_a_service_whose_circuit_is_open_is_not_asked() -> None:
    ctx, server = asking(200, open_circuits=["crm"])

    with pytest.raises(CircuitBreakerOpen):
        await ctx.http("crm", base_url=URL).get("/users")

    assert server.asked == []


@pytest.mark.parametrize(("allowed", "asked"), [((), 1), (("cdn.example.com",), 2)])
@pytest.mark.asyncio
async def test_another_host_is_followed_to_only_where_the_service_names_it(
    allowed: tuple[str, ...], asked: int
) -> None:
    away = httpx.Response(302, headers={"Location": "https://cdn.example.com/file"})
    ctx, server = asking(away, 200)
    client = ctx.http("crm", base_url=URL, redirects_to=allowed)

    if allowed:
        assert (await client.get("/file", follow_redirects=True)).status_code == 200
    else:
        with pytest.raises(IntegrationError, match=r"redirects to another host, cdn\.example\.com"):
            await client.get("/file", follow_redirects=True)

    assert len(server.asked) == asked


@pytest.mark.asyncio
async def test_on_its_own_host_it_may_redirect() -> None:
    ctx, server = asking(httpx.Response(307, headers={"Location": "/moved"}), 200)

    await ctx.http("crm", base_url=URL).get("/file", follow_redirects=True)

    assert [request.url.path for request in server.asked] == ["/file", "/moved"]


@pytest.mark.asyncio
async def test_a_rate_limit_is_asked_for_a_permit_for_each_request() -> None:
    ctx, _ = asking(503, 200)

    await ctx.http("crm", base_url=URL, rate_limit={"limit": 10, "per": 1}).get("/users")

    permits = [record.data for record in ctx.records if record.kind == "rate_limit"]
    assert permits == [{"name": "service crm", "limit": 10, "per": 1.0}] * 2


@pytest.mark.asyncio
async def test_a_stream_is_read_as_it_comes() -> None:
    ctx, _ = asking(httpx.Response(200, content=iter_lines()))

    async with ctx.http("crm", base_url=URL).stream("GET", "/export") as response:
        lines = [line async for line in response.aiter_lines()]

    assert lines == ["one", "two"]
    assert [call["status_code"] for call in calls(ctx)] == [200]


def iter_lines() -> Any:
    async def lines() -> Any:
        yield b"one\n"
        yield b"two\n"

    return lines()


@pytest.mark.asyncio
async def test_in_a_dry_run_reads_go_out_and_nothing_else() -> None:
    ctx, server = asking(200, dry_run=True)
    client = ctx.http("crm", base_url=URL, stubs={"POST /users": {"id": "dry-run"}})

    assert (await client.get("/users")).json() == {"status": 200}
    assert (await client.post("/users", json={"name": "Ann"})).json() == {"id": "dry-run"}
    assert (await client.delete("/users/1")).json() == {}

    assert [request.method for request in server.asked] == ["GET"]
    sent = [(call["method"], call.get("dry_run"), call.get("would_send")) for call in calls(ctx)]
    assert sent == [("GET", None, None), ("POST", True, {"name": "Ann"}), ("DELETE", True, None)]


@pytest.mark.parametrize("stub", ["POST /users", "POST /v1.0/users"])
@pytest.mark.asyncio
async def test_a_stub_is_found_by_the_path_below_the_service_s_address_too(stub: str) -> None:
    ctx, _ = asking(200, dry_run=True)
    client = ctx.http("crm", base_url=f"{URL}/v1.0", stubs={stub: {"id": "dry-run"}})

    assert (await client.post("/users", json={})).json() == {"id": "dry-run"}
    assert (await client.post("/groups", json={})).json() == {}


@pytest.mark.asyncio
async def test_a_client_waits_as_it_does_between_attempts() -> None:
    ctx, _ = asking(200)
    began = ctx.now()

    await ctx.http("crm", base_url=URL).pause(60)

    assert (ctx.now() - began).total_seconds() >= 60


@pytest.mark.asyncio
async def test_a_step_of_a_dry_run_sends_nothing_either() -> None:
    ctx, server = asking(200, dry_run=True)

    async def create() -> Any:
        return (await ctx.http("crm", base_url=URL).post("/users", json={})).json()

    assert await ctx.step(create) == {}
    assert server.asked == []


def test_an_option_that_it_does_not_have_is_named() -> None:
    with pytest.raises(DeclarationError, match="has no option 'retires'"):
        context().http("crm", retires=3)


@pytest.mark.asyncio
async def test_a_test_that_says_nothing_about_a_service_is_told_how() -> None:
    with pytest.raises(Exception, match="give its context http="):
        await context().http("crm", base_url=URL).get("/users")


@pytest.fixture(params=["json", "form", "bytes", "multipart"])
def body(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    yield {
        "json": {"json": {"name": "Ann", "password": "hunter22"}},
        "form": {"data": {"name": "Ann"}},
        "bytes": {"content": b"\xff\x00"},
        "multipart": {"files": {"file": ("a.txt", b"text")}},
    }[request.param]


@pytest.mark.asyncio
async def test_the_same_request_is_the_same_step_whenever_the_code_comes_there(body: dict[str, Any]) -> None:
    asked: list[Callable[..., Any]] = []
    for _ in range(2):
        ctx, _ = asking(200)
        ctx._host.step = keep(ctx._host.step, asked)  # type: ignore[method-assign]
        await ctx.http("crm", base_url=URL).post("/users", **body)

    assert asked[0] == asked[1]


def keep(do: Any, asked: list[Any]) -> Any:
    async def kept(call: Any) -> Any:
        asked.append((call.name, call.args))
        return await do(call)

    return kept
