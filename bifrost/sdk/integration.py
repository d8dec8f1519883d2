"""The base class of a client for an outside service."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from bifrost.sdk.errors import ConfigurationError, DeclarationError
from bifrost.sdk.http.service import Make, Service, signing_in

if TYPE_CHECKING:
    from bifrost.sdk.http.client import ServiceClient

__all__ = ["BaseIntegration", "Operations", "register_integration"]

#: Methods that `authenticate` itself may need, and that must not wait for it.
_BEFORE = frozenset({"authenticate", "get_secret", "get_config"})


class BaseIntegration:
    """A client made for one execution's context.

    `authenticate()` is awaited once before the first public coroutine method, however the instance was made; when it
    fails, the next call tries again. What it returns (a token, headers, or a connection's credentials) goes with every
    request of `http_client`, and it is awaited once more where the service refuses that with a 401.

    `service_options`: how the service is asked, by the names of `bifrost.sdk.http.service.Service`.
    """

    integration_name: ClassVar[str] = ""
    service_options: ClassVar[Mapping[str, Any]] = {}
    _authenticated = False
    _refused: Mapping[str, str] | None = None

    def __init__(self, context: Any) -> None:
        self.context = context

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, method in list(vars(cls).items()):
            if name == "authenticate":
                setattr(cls, name, _signing_in(method))
            elif not name.startswith("_") and name not in _BEFORE:
                if inspect.iscoroutinefunction(method):
                    setattr(cls, name, _authenticated(method))
                elif inspect.isasyncgenfunction(method):
                    setattr(cls, name, _authenticated_stream(method))

    async def authenticate(self) -> Any:
        """Gets what the requests need; nothing by default."""

    async def get_secret(self, name: str) -> str:
        secret: str = await self.context.get_secret(name)
        return secret

    def get_config(self, key: str, default: Any = None) -> Any:
        return self.context.get_config(key, default)

    async def token(self, make: Make, *credentials: str) -> str:
        """For `authenticate`: an access token that the process keeps for the organization until it expires.

        `make` gets a new one and returns it with the seconds that it lives; `credentials` are what it gets it with:
        with others it is another token. One that the service has refused is not returned again.
        """
        refused = _headers_of(self._refused).get("Authorization", "").rpartition(" ")[2]
        token: str = await self.context._host.token(self._service_name(), credentials, make, refused or None)
        return token

    @property
    def api_url(self) -> str:
        """Where the service is: said by the class, else the organization's config `{name}_api_url` or `{name}_url`."""
        url = self._api_url()
        if not url:
            key = f"{self.integration_name}_api_url"
            raise ConfigurationError(f'The integration "{self.integration_name}" needs the config {key}', key)
        return url

    @api_url.setter
    def api_url(self, url: str) -> None:
        self.__dict__["api_url"] = url

    @property
    def http_client(self) -> ServiceClient:
        """The client of this service: httpx's, with all that `context.http` adds. Its paths begin at `api_url`."""
        if "http_client" not in self.__dict__:
            options = {"base_url": self._api_url(), **self.service_options}
            service = Service.parse(self._service_name(), options)
            self.__dict__["http_client"] = self.context._service_client(service, self._credentials)
        client: ServiceClient = self.__dict__["http_client"]
        return client

    @http_client.setter
    def http_client(self, client: Any) -> None:
        self.__dict__["http_client"] = client

    def _api_url(self) -> str:
        said, name = getattr(type(self), "api_url"), self._service_name()  # noqa: B009  the class's own, or this property
        if url := self.__dict__.get("api_url") or (said if isinstance(said, str) else None):
            return str(url)
        return self.get_config(f"{name}_api_url") or self.get_config(f"{name}_url") or ""

    def _service_name(self) -> str:
        return self.integration_name or type(self).__name__.lower()

    async def _credentials(self, refused: Mapping[str, str] | None) -> Mapping[str, str]:
        """The headers that `authenticate` gave; others where these were refused."""
        if signing_in.get() is self:
            return {}
        if refused is not None and self._headers() == refused:
            self._authenticated, self._refused = False, dict(refused)
        await _authenticate_once(self)
        return self._headers()

    def _headers(self) -> dict[str, str]:
        return _headers_of(self.__dict__.get("_signed_in"))


class Operations:
    """What a method of an integration gives where that has coroutine methods of its own: in a plain `def` workflow they
    block as the integration's do.
    """


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


def _authenticated_stream(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(self: BaseIntegration, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        await _authenticate_once(self)
        async for item in method(self, *args, **kwargs):
            yield item

    return call


def _signing_in(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def authenticate(self: BaseIntegration, *args: Any, **kwargs: Any) -> Any:
        place = signing_in.set(self)
        try:
            given = await method(self, *args, **kwargs)
        finally:
            signing_in.reset(place)
        self.__dict__["_signed_in"] = given
        return given

    return authenticate


async def _authenticate_once(self: BaseIntegration) -> None:
    # What authenticate() itself calls must not wait for it to end.
    if self._authenticated or signing_in.get() is self or _is_replay(self.context):
        return
    # A subclass may have a constructor that does not call ours.
    async with vars(self).setdefault("_lock", asyncio.Lock()):
        if not self._authenticated:
            await self.authenticate()
            self._authenticated = True


def _is_replay(context: Any) -> bool:
    """Where nothing is sent, nobody has to be let in. A test's context may have anything for a host, or none."""
    return getattr(getattr(context, "_host", None), "signs_in", True) is False


def _headers_of(given: Any) -> dict[str, str]:
    """A token, headers, or an object with `get_auth_header()`, as headers."""
    if isinstance(given, str):
        return {"Authorization": f"Bearer {given}"}
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    header = getattr(given, "get_auth_header", None)
    return {} if header is None else {"Authorization": str(header())}
