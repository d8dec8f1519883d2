"""A server in a thread that a test starts and ends: its end takes no time that the test would notice."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

LOOK_SECONDS = 0.005


class Server(uvicorn.Server):
    """uvicorn looks ten times a second whether it should end, and then waits for a tenth of a second more."""

    async def main_loop(self) -> None:
        await self.on_tick(0)
        while not self.should_exit:
            await asyncio.sleep(LOOK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.force_exit:
            await super().shutdown(sockets)
        for each in self.servers:
            each.close()
