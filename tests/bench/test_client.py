"""The load generator speaks HTTP/1.1 over a raw socket."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from bench.client import Extent, Load, request_bytes


class Answers(http.server.BaseHTTPRequestHandler):
    """202 with a body to each POST, counted in `bodies`."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Answers.bodies = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/work"
        server.shutdown()


def test_a_request_names_its_host_and_length() -> None:
    text = request_bytes("POST", "http://example.test:7072/api", {"x-functions-key": "t"}, '{"a": "é"}').decode()
    head, _, body = text.partition("\r\n\r\n")
    assert head.splitlines()[:2] == ["POST /api HTTP/1.1", "Host: example.test:7072"]
    assert {"x-functions-key: t", "Content-Length: 11"} <= set(head.splitlines())
    assert body == '{"a": "é"}'


def test_a_count_of_requests_is_sent_exactly_by_all_clients_together(url: str) -> None:
    request = request_bytes("POST", url, {}, '{"message": "hello"}')
    document = Load(url, request, 4, Extent(seconds=0, warm_up=5, count=37)).run()
    assert document["requests"] == 37
    assert document["statuses"] == {202: 37}
    assert Answers.bodies == [b'{"message": "hello"}'] * 37


def test_a_load_by_time_goes_on_that_long(url: str) -> None:
    request = request_bytes("POST", url, {}, "{}")
    document = Load(url, request, 2, Extent(seconds=0.2, warm_up=0.05)).run()
    assert isinstance(document["requests"], int)
    assert 0 < document["requests"] <= len(Answers.bodies)
    assert 0.2 <= float(str(document["last"])) - float(str(document["first"])) < 2
