"""Outside services for authors' tests: integrations of the test's own, and answers that the test gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.errors import ConfigurationError
from bifrost.sdk.http.service import Credentials, Service
from bifrost.sdk.integration import BaseIntegration
from bifrost.sdk.rate_limit import RateLimit
from bifrost.sdk.steps import StepCall
from bifrost.sdk.tolerant import JSON

if TYPE_CHECKING:
    import httpx

    from bifrost.sdk.http.client import ServiceClient
    from bifrost.sdk.testing import MemoryHost


def integrations_of(given: Mapping[str, Any] | None) -> dict[str, Callable[[Any], Any]]:
    """What makes them for a context, by name, from classes or from the very objects that the test wants to be there."""
    return {name.lower(): _maker(each) for name, each in (given or {}).items()}


def _maker(given: Any) -> Callable[[Any], Any]:
    if isinstance(given, type) and issubclass(given, BaseIntegration):
        return given
    return lambda context: given


def connections_of(given: Mapping[str, Any] | None) -> dict[str, OAuthCredentials]:
    """By name in lower case: credentials as they are, or made of the access token alone."""
    return {name.lower(): _credentials(name, each) for name, each in (given or {}).items()}


def _credentials(name: str, given: Any) -> OAuthCredentials:
    return given if isinstance(given, OAuthCredentials) else OAuthCredentials(name, str(given))


def client_for(host: MemoryHost, service: Service, credentials: Credentials | None, http: Any) -> ServiceClient:
    """`http`: a function that answers a request, or a transport of httpx."""
    from bifrost.sdk.http.client import ServiceClient

    return ServiceClient(service, MemoryCalls(host), _transport(http), credentials)


def _transport(http: Any) -> httpx.AsyncBaseTransport:
    import httpx

    if isinstance(http, httpx.AsyncBaseTransport):
        return http

    def answer(request: httpx.Request) -> httpx.Response:
        if http is None:
            raise ConfigurationError(
                f"The test says nothing about {request.method} {request.url}: give its context"
                " http=lambda request: httpx.Response(200, json=...)"
            )
        response: httpx.Response = http(request)
        return response

    return httpx.MockTransport(answer)


class MemoryCalls:
    """As the engine has it, but in the test's own time."""

    def __init__(self, host: MemoryHost) -> None:
        self._host = host

    @property
    def dry_run(self) -> bool:
        return self._host.dry_run

    def conceal(self, credential: str) -> None:
        """Records of a test show what was recorded."""

    def shown(self, text: str) -> str:
        return text

    def tracked(self, call: dict[str, JSON]) -> None:
        self._host.record("integration_call", str(call["integration"]), call)

    async def step(self, call: StepCall) -> JSON:
        return await self._host.step(call)

    async def permit(self, rate: RateLimit) -> None:
        await self._host.service("rate_limit", {"name": rate.key, "limit": rate.limit, "per": rate.per})

    async def enter(self, service: str) -> Any:
        self._host.enter_circuit(service)

    async def leave(self, entered: Any, error: BaseException | None, seconds: float) -> None:
        """Circuits of a test are open or closed as the test says."""

    async def pause(self, seconds: float) -> None:
        self._host.clock.pass_by(seconds)
