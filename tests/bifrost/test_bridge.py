"""The bridge between uvicorn and Django: what goes in comes out, and no client or application harms another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bifrost.bridge import CHUNK_AT_ONCE, Bridge
from tests.bifrost.serving import Environ, answering, body_of, connected, heard, said, serving, telling

LIMIT = 1000


# --- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_arrives_with_its_status_and_headers() -> None:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    with serving(answering(b"one ", b"two", status="418 I'm a teapot", headers=headers)) as address:
        answer = httpx.get(f"http://{address}/")

    assert (answer.status_code, answer.text) == (418, "one two")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_an_empty_answer_is_complete() -> None:
    with serving(answering(status="204 No Content")) as address, httpx.Client() as client:
        answers = [client.get(f"http://{address}/") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2


def test_a_long_answer_arrives_whole_and_begins_before_it_is_complete() -> None:
    go_on = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"a" * CHUNK_AT_ONCE
        assert go_on.wait(10)
        yield b"b" * (2 * CHUNK_AT_ONCE)
        yield b"c"

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return chunks()

    with serving(application) as address, httpx.stream("GET", f"http://{address}/") as answer:
        parts = answer.iter_bytes()
        first = next(parts)
        go_on.set()
        whole = first + b"".join(parts)

    assert whole == b"a" * CHUNK_AT_ONCE + b"b" * (2 * CHUNK_AT_ONCE) + b"c"


def test_a_head_request_gets_the_headers_without_the_body() -> None:
    application = answering(b"twelve bytes", headers=[("Content-Length", "12")])
    with serving(application) as address:
        answer = said(address, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: 12" in head.lower()
    assert body == b""


def test_what_the_application_opened_is_closed() -> None:
    closed = threading.Event()

    class Chunks(list[bytes]):
        def close(self) -> None:
            closed.set()

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Chunks([b"x"])

    with serving(application) as address:
        assert httpx.get(f"http://{address}/").text == "x"
        assert closed.wait(5)


# --- applications that break ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("the secret"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("begun", [True, False])
def test_an_application_that_raises_is_a_500_that_says_nothing(
    error: BaseException, begun: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if begun:
            start_response("200 OK", [("X-Secret", "x")])
        raise error

    with serving(application, threads=1) as address:
        answers = [httpx.get(f"http://{address}/") for _ in range(2)]  # the only thread has to survive the first

    assert [(answer.status_code, answer.text) for answer in answers] == [(500, "")] * 2
    assert "x-secret" not in answers[0].headers
    assert type(error).__name__ in capsys.readouterr().err


def test_an_application_that_gives_no_status_is_a_500() -> None:
    with serving(lambda environ, start_response: [b"x"]) as address:
        assert httpx.get(f"http://{address}/").status_code == 500


@pytest.mark.parametrize("headers", [[], [("Content-Length", str(CHUNK_AT_ONCE + 1))]])
def test_an_answer_that_breaks_off_never_looks_complete(headers: list[tuple[str, str]]) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * CHUNK_AT_ONCE
        raise ValueError("too late for a status")

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return chunks()

    with serving(application) as address, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://{address}/")


# --- clients that hang up ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_so_far",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ],
    ids=["before the body", "in the body", "before the last chunk"],
)
def test_half_a_request_is_not_run(request_so_far: bytes) -> None:
    seen: list[str] = []
    with serving(telling(lambda environ: seen.append(environ["PATH_INFO"]))) as address:
        with connected(address) as client:
            client.sendall(request_so_far)
        # A request later than the end of that connection: by its answer the other one has been dealt with.
        assert httpx.get(f"http://{address}/next").status_code == 200

    assert seen == ["/next"]


def test_a_client_that_hangs_up_during_its_run_harms_nobody() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def tell(environ: Environ) -> str:
        if environ["PATH_INFO"] == "/slow":
            begun.set()
            assert go_on.wait(10)
        return environ["PATH_INFO"]

    with serving(telling(tell), threads=1) as address:
        with connected(address) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            assert begun.wait(5)
        go_on.set()
        assert httpx.get(f"http://{address}/next").text == "/next"


def test_a_client_that_does_not_read_its_long_answer_holds_no_thread() -> None:
    long = answering(*[b"x" * CHUNK_AT_ONCE] * 20)

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return (long if environ["PATH_INFO"] == "/long" else answering(b"y"))(environ, start_response)

    with serving(application, threads=1) as address, connected(address) as client:
        client.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert httpx.get(f"http://{address}/short").text == "y"
        assert heard(client).count(b"x") == 20 * CHUNK_AT_ONCE


# --- the environ ------------------------------------------------------------------------------------------------------


def test_the_address_arrives_decoded_as_wsgi_wants_it() -> None:
    def tell(environ: Environ) -> object:
        return environ["PATH_INFO"].encode("latin-1").decode(), environ["QUERY_STRING"], environ["REQUEST_METHOD"]

    with serving(telling(tell)) as address:
        answer = httpx.request("PUT", f"http://{address}/caf%C3%A9/a%2Fb?q=%26+x")

    assert answer.text == "('/café/a/b', 'q=%26+x', 'PUT')"


def test_a_path_that_is_not_utf8_is_answered() -> None:
    with serving(telling(lambda environ: "here")) as address:
        assert said(address, b"GET /%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").endswith(b"here")


def test_the_client_and_the_server_are_named() -> None:
    with serving(telling(lambda environ: (environ["REMOTE_ADDR"], environ["SERVER_PORT"]))) as address:
        assert httpx.get(f"http://{address}/").text == f"('127.0.0.1', '{address.rpartition(':')[2]}')"


def test_a_header_given_twice_is_joined() -> None:
    with serving(telling(lambda environ: environ["HTTP_X_MANY"])) as address:
        assert httpx.get(f"http://{address}/", headers=[("X-Many", "a"), ("X-Many", "b")]).text == "a,b"


def test_a_name_with_an_underscore_never_passes_for_one_with_a_hyphen() -> None:
    forged = [("X_Organization_Id", "globex"), ("Content_Length", "0"), ("X_Functions_Key", "stolen")]
    with serving(telling(lambda environ: [key for key in environ if key.startswith("HTTP_X_")])) as address:
        answer = httpx.get(f"http://{address}/", headers=[("X-Organization-Id", "acme"), *forged])

    assert answer.text == "['HTTP_X_ORGANIZATION_ID']"


def test_a_header_cannot_set_what_is_no_header() -> None:
    with serving(telling(lambda environ: environ["wsgi.url_scheme"])) as address:
        forged = {"wsgi.url_scheme": "https", "Path-Info": "/other", "Remote-Addr": "10.0.0.1"}
        assert httpx.get(f"http://{address}/", headers=forged).text == "http"


# --- many at once -----------------------------------------------------------------------------------------------------


def test_requests_beyond_the_threads_wait_their_turn() -> None:
    most = running = 0
    lock = threading.Lock()
    full = threading.Barrier(40, timeout=10)

    def tell(environ: Environ) -> str:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        full.wait()  # all forty threads are busy at once before any ends
        with lock:
            running -= 1
        return environ["PATH_INFO"]

    with serving(telling(tell), threads=40) as address, httpx.Client(limits=httpx.Limits(), timeout=20) as client:
        with ThreadPoolExecutor(80) as callers:
            answers = list(callers.map(lambda number: client.get(f"http://{address}/{number}").text, range(80)))

    assert answers == [f"/{number}" for number in range(80)]
    assert most == 40


def test_each_request_keeps_its_own_answer() -> None:
    with serving(telling(lambda environ: body_of(environ).decode()), threads=8, body_limit=100_000) as address:
        with httpx.Client(limits=httpx.Limits(), timeout=20) as client, ThreadPoolExecutor(16) as callers:
            sent = [f"{number}-" * (number * 20 + 1) for number in range(200)]
            answers = list(callers.map(lambda text: client.post(f"http://{address}/", content=text).text, sent))

    assert answers == sent


def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(20))
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serving(telling(lambda environ: environ["PATH_INFO"])) as address:
        answer = said(address, requests + last)

    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/%d" % number for number in range(20)] + [b"/last"]


# --- answers that no client gets --------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_an_answer_may_be_asked_for_with_more_in_its_environ() -> None:
    scope = {"type": "http", "method": "GET", "path": "/a", "query_string": b"b=1", "http_version": "1.1"}
    asked = Bridge(telling(lambda environ: (environ["PATH_INFO"], environ["QUERY_STRING"], environ["own"])), 1, LIMIT)

    start, body = await asked.ask({**scope, "headers": []}, {"own": 7})

    assert (start["status"], body["body"]) == (200, b"('/a', 'b=1', 7)")
