"""`context.map`: the same step for every item of a list, bounded, and resumed at the right item."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from bifrost.sdk.errors import WorkflowException, as_document
from bifrost.sdk.steps import StepCall, step_of
from bifrost.sdk.tolerant import plain

if TYPE_CHECKING:
    from bifrost.sdk.context import OrganizationContext

OnError = Literal["raise", "collect"]


@dataclass(frozen=True)
class Mapped(Sequence[Any]):
    """The results in the order of the items, None where one failed; `failed` says which, and why:
    `{"index", "item", "error", "message"}`.
    """

    results: list[Any]
    failed: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: Any) -> Any:
        return self.results[index]


async def map_items(
    context: OrganizationContext,
    function: Callable[..., Any],
    items: Iterable[Any],
    *,
    concurrency: int,
    batch_size: int | None,
    on_error: OnError,
    options: Any,
) -> Mapped:
    """See `OrganizationContext.map`."""
    if concurrency < 1 or (batch_size is not None and batch_size < 1):
        raise ValueError("concurrency and batch_size must be at least 1")
    if on_error not in ("raise", "collect"):
        raise ValueError(f'on_error is "raise" or "collect", not {on_error!r}')
    mapping = _Mapping(context, step_of(function, function, (), {}, options), list(items), on_error)
    if batch_size is None:
        await mapping.each(concurrency)
    else:
        await mapping.batches(batch_size, concurrency)
    return mapping.mapped()


class _Mapping:
    def __init__(self, context: OrganizationContext, call: StepCall, items: list[Any], on_error: OnError) -> None:
        self.context = context
        self.call = call
        self.items = items
        self.on_error = on_error
        self.results: list[Any] = [None] * len(items)
        self.failures: dict[int, dict[str, Any]] = {}
        self.done = 0
        self.at = context._host.branches(call.name)

    def mapped(self) -> Mapped:
        failed = [
            {"index": index, "item": plain(self.items[index]), **facts}
            for index, facts in sorted(self.failures.items())
        ]
        if failed:
            self.context.complete_with_errors(None, failed)
        return Mapped(self.results, failed)

    async def each(self, concurrency: int) -> None:
        """A step for each item."""

        async def one(index: int) -> None:
            try:
                self.results[index] = await self.context.call_step(replace(self.call, args=(self.items[index],)))
            except Exception as error:
                if self.on_error == "raise":
                    raise
                self.failures[index] = _facts(error)
            self._progress(1)

        await self._spread(range(len(self.items)), one, concurrency)

    async def batches(self, size: int, concurrency: int) -> None:
        """A step for each batch, in which each item is a call of the function; one batch after the other."""

        async def one(start: int) -> None:
            batch = self.items[start : start + size]
            of_batch = functools.partial(_batch, self.call.function, concurrency, self.on_error)
            call = replace(self.call, function=of_batch, args=(batch,))
            for index, told in enumerate(await self.context.call_step(call), start):
                if "error" in told:
                    self.failures[index] = told
                else:
                    self.results[index] = told["value"]
            self._progress(len(batch))

        await self._spread(range(0, len(self.items), size), one, 1)

    async def _spread(self, places: Iterable[int], one: Callable[[int], Any], concurrency: int) -> None:
        """Each place has a position of its own, whoever of the workers comes to it."""
        left: Iterator[int] = iter(places)

        async def work() -> None:
            for place in left:
                with self.at(place):
                    await one(place)

        workers = [asyncio.ensure_future(work()) for _ in range(min(concurrency, len(self.items)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    def _progress(self, number: int) -> None:
        self.done += number
        self.context.progress(self.done, len(self.items))


async def _batch(function: Callable[..., Any], concurrency: int, on_error: OnError, batch: list[Any]) -> list[Any]:
    room = asyncio.Semaphore(concurrency)

    async def one(item: Any) -> dict[str, Any]:
        async with room:
            try:
                value = function(item) if not _blocks(function) else await asyncio.to_thread(function, item)
                return {"value": await value if inspect.isawaitable(value) else value}
            except Exception as error:
                if on_error == "raise":
                    raise
                return _facts(error)

    return list(await asyncio.gather(*(one(item) for item in batch)))


def _blocks(function: Callable[..., Any]) -> bool:
    return not inspect.iscoroutinefunction(function)


def _facts(error: Exception) -> dict[str, Any]:
    if isinstance(error, WorkflowException):
        document = as_document(error)
        return {"error": document["error"], "message": str(error)}
    return {"error": type(error).__name__, "message": str(plain(str(error)))}
