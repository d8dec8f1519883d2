"""The base class of a client for an outside service."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from bifrost.sdk.errors import DeclarationError

__all__ = ["BaseIntegration", "register_integration"]

#: Methods that `authenticate` itself may need, and that must not wait for it.
_BEFORE = frozenset({"authenticate", "get_secret", "get_config"})


class BaseIntegration:
    """A client made for one execution's context.

    `authenticate()` is awaited once before the first public coroutine method, however the instance was made;
    when it fails, the next call tries again.
    """

    integration_name: ClassVar[str] = ""
    _authenticated = False
    _authenticating: asyncio.Task[Any] | None = None

    def __init__(self, context: Any) -> None:
        self.context = context

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, method in list(vars(cls).items()):
            if not name.startswith("_") and name not in _BEFORE and inspect.iscoroutinefunction(method):
                setattr(cls, name, _authenticated(method))

    async def authenticate(self) -> Any:
        """Gets what the requests need; nothing by default."""

    async def get_secret(self, name: str) -> str:
        secret: str = await self.context.get_secret(name)
        return secret

    def get_config(self, key: str, default: Any = None) -> Any:
        return self.context.get_config(key, default)


def register_integration(name: str, integration: type[BaseIntegration]) -> None:
    """Says the name of an integration class that does not say it itself; DeclarationError where it says
    another.
    """
    if integration.integration_name not in ("", name):
        raise DeclarationError(f'{integration.__name__} is "{integration.integration_name}", not "{name}"')
    integration.integration_name = name


def _authenticated(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(self: BaseIntegration, *args: Any, **kwargs: Any) -> Any:
        await _authenticate_once(self)
        return await method(self, *args, **kwargs)

    return call


async def _authenticate_once(self: BaseIntegration) -> None:
    # What authenticate() itself calls must not wait for it to end.
    if self._authenticated or self._authenticating is asyncio.current_task():
        return
    # A subclass may have a constructor that does not call ours.
    async with vars(self).setdefault("_lock", asyncio.Lock()):
        if self._authenticated:
            return
        self._authenticating = asyncio.current_task()
        try:
            await self.authenticate()
            self._authenticated = True
        finally:
            self._authenticating = None
