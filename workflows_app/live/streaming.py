"""The streams of those who watch executions: an ASGI application beside Django's.

Each asks Django itself, by the same request, whether it may: at its beginning, and again while it lasts. A stream is a
few kilobytes of memory; it holds no thread and no connection to the database.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from django.conf import settings

from workflows_app.errors import TooManyWatching
from workflows_app.live.door import PASS, Admitted, Pass, beginning, events
from workflows_app.live.looking import State
from workflows_app.live.watching import Watch, Watchers
from workflows_app.responses import failure

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH = re.compile(r"(?:/o/[^/]+)?/live/executions/[^/]+")
BEAT_SECONDS = 15.0
SEND_SECONDS = 30.0  # a client that does not read for so long is given up
CLOSE_SECONDS = 2.0


class Ask(Protocol):
    """Has Django answer the request of a scope, with more in its environ; gives the parts of the answer."""

    async def __call__(self, scope: Message, extra: dict[str, Any]) -> list[Message]: ...


def is_live(scope: Message) -> bool:
    return scope["type"] == "http" and scope["method"] == "GET" and PATH.fullmatch(scope["path"]) is not None


class LiveStreams:
    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.watchers = Watchers(settings.LIVE["most_watchers"])
        self._again_seconds = settings.LIVE["look_again_seconds"]

    def stop(self) -> None:
        """Every stream ends at once, and none begins."""
        self.watchers.stop()

    async def close(self) -> None:
        await asyncio.to_thread(self.watchers.close, CLOSE_SECONDS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        answer, admitted = await self._asked(scope)
        if admitted is None:
            for part in answer:
                await send(part)
            return
        told = State(admitted.after, admitted.state.status)
        try:
            with self.watchers.watch(admitted.organization, admitted.execution, admitted.state, told) as watch:
                await self._stream(scope, answer[0], watch, admitted.after, receive, send)
        except TooManyWatching as refused:
            await _refuse(refused, send)

    async def _asked(self, scope: Message) -> tuple[list[Message], Admitted | None]:
        asking = Pass()
        answer = await self._ask(scope, {PASS: asking})
        return answer, asking.admitted

    async def _stream(
        self, scope: Message, start: Message, watch: Watch, after: int, receive: Receive, send: Send
    ) -> None:
        gone = asyncio.create_task(_until_gone(receive, watch))
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        try:
            await send({**start, "headers": headers})
            await _say(send, beginning())
            await self._tell(scope, watch, after, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()

    async def _tell(self, scope: Message, watch: Watch, told: int, send: Send) -> None:
        """Until the execution has ended, nobody listens, the process stops, or whoever watches may not any more."""
        now = asyncio.get_running_loop().time
        beat, again = now() + BEAT_SECONDS, now() + self._again_seconds
        while True:
            try:
                async with asyncio.timeout_at(min(beat, again)):
                    state = await anext(watch, None)
            except TimeoutError:
                if now() >= again:
                    if (await self._asked(scope))[1] is None:
                        return
                    again = now() + self._again_seconds
                else:
                    await _say(send, ": still here\n\n")
                    beat = now() + BEAT_SECONDS
                continue
            if state is None:
                return
            await _say(send, events(state, told))
            told = state.seq


async def _say(send: Send, text: str) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _until_gone(receive: Receive, watch: Watch) -> None:
    """Whoever hangs up watches no longer."""
    while (await receive())["type"] != "http.disconnect":
        pass
    watch.close()


async def _refuse(refused: TooManyWatching, send: Send) -> None:
    answer = failure(refused.status_code, refused.error, refused.message, headers=refused.headers)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content, "more_body": False})
