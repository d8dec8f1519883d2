"""A service that answers each request after a fixed time, over connections that stay."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"users": 7}'


class Service:
    """Counts its connections and the requests that it answered."""

    def __init__(self) -> None:
        self.connections = 0
        self.answered = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1]
                await asyncio.sleep(float(path.strip(b"/").split(b"/")[0]) / 1000)
                self.answered += 1
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done
        finally:
            writer.close()


@contextmanager
def service() -> Iterator[Service]:
    """`{url}/100/users` answers after 100 ms."""
    made, loop, ready = Service(), asyncio.new_event_loop(), threading.Event()

    async def begin() -> None:
        server = await asyncio.start_server(made.serve, HOST, 0, backlog=1000)
        made.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        ready.set()

    def run() -> None:
        loop.run_until_complete(begin())
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
