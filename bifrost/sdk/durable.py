"""What a workflow may wait for, as its context asks the host for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.tolerant import JSON

__all__ = ["First", "Wait", "first_of", "length"]


@dataclass(frozen=True)
class Wait:
    """A wait for an entry of the execution's inbox, for a time, or for whichever comes first.

    `kind` is "timer", "signal" or "approval"; `seconds` None: without end. `entry`: the kind of inbox entry that ends
    it, addressed to `address` (the name, unless given). `facts` are shown in the record.
    """

    kind: str
    name: str
    seconds: float | None = None
    entry: str | None = None
    address: str | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)


class First(NamedTuple):
    """What came first of several: its place or name, and what it gave."""

    key: int | str
    value: Any


async def first_of(waits: Mapping[int | str, Awaitable[Any]]) -> First:
    """The first of them to end; raises what it raised. The others are cancelled and have ended when this returns."""
    tasks = {asyncio.ensure_future(wait): key for key, wait in waits.items()}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    winner = min(done, key=lambda task: list(tasks).index(task))
    return First(tasks[winner], winner.result())


def length(name: str, value: Any) -> float:
    """A length of time in seconds. Raises DeclarationError for what is none."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise DeclarationError(f"{name} must be a number of seconds or a timedelta, not {value!r}")
    return float(value)
