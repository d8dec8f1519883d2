"""Bodies on their way to Django: they arrive whole or are refused, and few large ones are in memory at once."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest

from bifrost import bridge
from bifrost.bridge import CUT, DRAINED, ROOM
from tests.bifrost.serving import Environ, admitting, body_of, connected, heard, serving, telling

LIMIT = 1000
LARGER = {r"/api/files": 5 * LIMIT}


def told(environ: Environ) -> str:
    """How much of the body is there, and how long it is."""
    return f"{len(body_of(environ))} {environ['CONTENT_LENGTH']}"


told_lengths = telling(told)


def test_a_body_arrives_with_its_length() -> None:
    with serving(telling(lambda environ: (body_of(environ), environ["CONTENT_LENGTH"]))) as address:
        assert httpx.post(f"http://{address}/", content=b"12345").text == "(b'12345', '5')"


def test_a_chunked_body_arrives_whole_and_gets_a_length() -> None:
    with serving(telling(lambda environ: (body_of(environ), environ["CONTENT_LENGTH"]))) as address:
        assert httpx.post(f"http://{address}/", content=iter([b"one", b"two"])).text == "(b'onetwo', '6')"


def test_a_request_without_a_body_has_no_length() -> None:
    with serving(telling(lambda environ: (body_of(environ), environ.get("CONTENT_LENGTH")))) as address:
        assert httpx.get(f"http://{address}/").text == "(b'', None)"


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, LIMIT * DRAINED])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_the_limit_is_not_kept_but_its_length_is_told(size: int, chunked: bool) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"x" * 100 for _ in range(size // 100))
        yield b"x" * (size % 100)

    with serving(telling(lambda environ: f"{len(body_of(environ))} {environ['CONTENT_LENGTH']}"), 1, LIMIT) as address:
        answer = httpx.post(f"http://{address}/", content=parts() if chunked else b"x" * size)

    kept, length = map(int, answer.text.split())
    assert length == size
    assert kept <= LIMIT
    assert kept == size or size > LIMIT


def test_a_body_that_never_ends_is_refused_while_it_is_sent() -> None:
    with serving(telling(lambda environ: environ["CONTENT_LENGTH"]), 1, LIMIT) as address, connected(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(DRAINED + 1):
            client.sendall(b"3e8\r\n" + b"x" * LIMIT + b"\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")  # as the application says; Django says 413


@pytest.mark.parametrize(
    ("method", "path", "size", "kept"),
    [
        ("POST", "/api/files", 5 * LIMIT, 5 * LIMIT),
        ("POST", "/api/files?a=1", 5 * LIMIT, 5 * LIMIT),
        ("POST", "/api/files", 5 * LIMIT + 1, 0),
        ("POST", "/api/files/", 2 * LIMIT, 0),
        ("POST", "/api/files/1", 2 * LIMIT, 0),
        ("POST", "/api/other", 2 * LIMIT, 0),
        ("POST", "/x/api/files", 2 * LIMIT, 0),
        ("PUT", "/api/files", 2 * LIMIT, 0),
    ],
)
def test_a_path_may_take_larger_bodies_and_no_other_does(method: str, path: str, size: int, kept: int) -> None:
    with serving(admitting(told_lengths), 1, LIMIT, LARGER) as address:
        # In parts, of which those that fit are kept until one does not.
        answer = httpx.request(method, f"http://{address}{path}", content=b"x" * size)
    there, length = map(int, answer.text.split())
    assert length == size
    assert there == kept if kept else there <= 5 * LIMIT
    assert there <= LIMIT or (path.startswith("/api/files") and method == "POST")


@pytest.mark.parametrize("status", ["401 Unauthorized", "302 Found", "200 OK", "500 Internal Server Error"])
@pytest.mark.parametrize("chunked", [True, False])
def test_of_who_is_not_let_in_no_more_is_kept_than_of_others(status: str, chunked: bool) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"x" * 100 for _ in range(30))

    with serving(admitting(told_lengths, status), 1, LIMIT, LARGER) as address:
        url = f"http://{address}/api/files"
        answer = httpx.post(url, content=parts() if chunked else b"x" * 3 * LIMIT)
        small = httpx.post(url, content=b"x" * LIMIT)
    there, length = map(int, answer.text.split())
    assert there <= LIMIT and length == 3 * LIMIT
    assert small.text == f"{LIMIT} {LIMIT}"


def test_whether_more_may_come_is_asked_before_any_of_it_is_there_and_of_nothing_else() -> None:
    asked: queue.SimpleQueue[tuple[str, bytes, str]] = queue.SimpleQueue()

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if ROOM in environ:
            asked.put((environ["HTTP_AUTHORIZATION"], body_of(environ), environ["CONTENT_LENGTH"]))
        return admitting(told_lengths)(environ, start_response)

    head = b"POST /api/files HTTP/1.1\r\nHost: x\r\nAuthorization: me\r\nContent-Length: 2000\r\n"
    with serving(application, 1, LIMIT, LARGER) as address, connected(address) as client:
        client.sendall(head + b"Connection: close\r\n\r\n")
        assert asked.get(timeout=10) == ("me", b"", "0")
        client.sendall(b"x" * 2000)
        assert heard(client).endswith(b"2000 2000")
        for size, path in ((LIMIT, "/api/files"), (2 * LIMIT, "/other"), (6 * LIMIT, "/api/files")):
            httpx.post(f"http://{address}{path}", content=b"x" * size)
    assert asked.empty()


def test_no_header_passes_for_the_question_whether_more_may_come() -> None:
    with serving(admitting(telling(lambda environ: CUT in environ)), 1, LIMIT) as address:
        answer = httpx.get(f"http://{address}/", headers={"bifrost.room": "1", "bifrost.cut": "1"})
    assert (answer.status_code, answer.text) == (200, "False")


def test_few_larger_bodies_are_there_at_once_and_others_wait_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "LARGER_AT_ONCE", 1)
    head = b"POST /api/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n"
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended: list[str] = []

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if ROOM in environ:
            asked.put(environ["PATH_INFO"])
        else:
            ended.append(environ["PATH_INFO"])
        return admitting(told_lengths)(environ, start_response)

    with serving(application, 4, LIMIT, LARGER) as address:
        with connected(address) as first, connected(address) as second:
            first.sendall(head + b"x" * 1999)
            asked.get(timeout=10)
            assert httpx.post(f"http://{address}/small", content=b"x" * LIMIT).status_code == 200
            second.sendall(head + b"x" * 2000)
            asked.get(timeout=10)
            # Meanwhile everything else is answered.
            assert httpx.post(f"http://{address}/small", content=b"x" * LIMIT).status_code == 200
            assert ended == ["/small"] * 2
            first.sendall(b"x")
            assert heard(first).endswith(b"2000 2000") and heard(second).endswith(b"2000 2000")


def test_a_larger_body_that_does_not_come_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "LARGER_AT_ONCE", 1)
    monkeypatch.setattr(bridge, "LARGER_SECONDS", 0.2)
    with serving(admitting(told_lengths), 4, LIMIT, LARGER) as address, connected(address) as client:
        client.sendall(b"POST /api/files HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\nxxx")
        assert heard(client).startswith(b"HTTP/1.1 408")
        assert httpx.post(f"http://{address}/api/files", content=b"x" * 2000).text == "2000 2000"


def test_what_is_too_long_by_its_own_words_is_not_kept_even_in_part() -> None:
    with serving(telling(lambda environ: f"{told(environ)} {CUT in environ}"), 1, LIMIT) as address:
        answers = [httpx.post(f"http://{address}/", content=b"x" * size).text for size in (LIMIT, LIMIT + 1)]
    assert answers == ["1000 1000 False", "0 1001 True"]
