"""Lists that come in pages, read whole although they change meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

#: The most that Halo gives at once.
PAGE_SIZE = 100

#: A page by its number: its items, and how many there are in all.
ReadPage = Callable[[int], Awaitable[tuple[list[dict[str, Any]], int]]]


async def each(read: ReadPage, size: int) -> AsyncIterator[dict[str, Any]]:
    """Every item once.

    Pages are told by their place. Where items vanish meanwhile (tickets that the workflow closes while it reads the
    open ones), those behind them move up into pages that were read: so many pages back it goes on, and what was seen is
    left out.
    """
    seen: set[Any] = set()
    page, before = 1, 0
    while True:
        items, count = await read(page)
        for item in items:
            if item.get("id") not in seen:
                seen.add(item.get("id"))
                yield item
        gone = before - count
        before = count
        if gone > 0:
            page = max(1, page - -(-gone // size))
        elif page * size >= count:
            return
        else:
            page += 1
