"""A load generator that costs little: raw sockets, keep-alive, one thread a client, in a process of its own.

Run as a program it prints one JSON line: requests per second and latencies in milliseconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit


def request_bytes(method: str, url: str, headers: dict[str, str], body: str) -> bytes:
    """One HTTP/1.1 request, ready to send again and again on a connection."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: keep-alive"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def exchange(connection: socket.socket, request: bytes) -> int:
    """Sends the request, reads the whole answer, returns its status code."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, rest = data.partition(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    if b"content-length:" in lower:
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += _received(connection)
    elif b"chunked" in lower:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += _received(connection)
    return status


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("The server closed the connection.")
    return data


@dataclass(frozen=True)
class Extent:
    """How long a load goes on: for `seconds` after a warm-up, or, with a `count`, for so many requests in all."""

    seconds: float
    warm_up: float
    count: int = 0


class Load:
    """`clients` connections that each send the request without pause."""

    def __init__(self, url: str, request: bytes, clients: int, extent: Extent) -> None:
        self._address = (urlsplit(url).hostname or "localhost", urlsplit(url).port or 80)
        self._request = request
        self._clients = clients
        self._start = time.perf_counter() + (0 if extent.count else extent.warm_up)
        self._end = self._start + extent.seconds
        self._count = extent.count
        self._numbers = itertools.count()
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self._lock = threading.Lock()

    def run(self) -> dict[str, object]:
        first = time.time()
        threads = [threading.Thread(target=self._client) for _ in range(self._clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ordered = sorted(self.latencies)
        return {
            "clients": self._clients,
            "requests": len(ordered),
            "per_second": round(len(ordered) / (time.perf_counter() - self._start), 1),
            "first": first,
            "last": time.time(),
            "p50_ms": round(statistics.median(ordered), 2),
            "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
            "statuses": dict(self.statuses),
        }

    def _goes_on(self, now: float) -> bool:
        return next(self._numbers) < self._count if self._count else now < self._end

    def _client(self) -> None:
        own: list[float] = []
        statuses: Counter[int] = Counter()
        with socket.create_connection(self._address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._goes_on(began := time.perf_counter()):
                status = exchange(connection, self._request)
                if began >= self._start:
                    own.append((time.perf_counter() - began) * 1000)
                    statuses[status] += 1
        with self._lock:
            self.latencies += own
            self.statuses += statuses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--body", default="")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--count", type=int, default=0, help="requests in all, in place of --seconds")
    parser.add_argument("--warm-up", type=float, default=1.0)
    options = parser.parse_args()
    headers = dict(header.split(": ", 1) for header in options.header)
    request = request_bytes(options.method, options.url, headers, options.body)
    load = Load(options.url, request, options.clients, Extent(options.seconds, options.warm_up, options.count))
    print(json.dumps(load.run()))


if __name__ == "__main__":
    main()
