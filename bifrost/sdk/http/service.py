"""What is declared about an outside service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.rate_limit import RateLimit
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import StepCall
from bifrost.sdk.tolerant import JSON

#: Of requests that may be sent again: about half a second, a second and two later.
RETRIES = RetryPolicy(max_attempts=4, initial_interval_seconds=0.5, max_interval_seconds=30.0, jitter=0.25)

#: The integration that signs in here. What it asks meanwhile is no step: tokens do not belong into the journal.
signing_in: ContextVar[object | None] = ContextVar("signing_in", default=None)

#: Gets an access token: the token, and the seconds that it lives.
Make = Callable[[], Awaitable[tuple[str, float]]]

#: Headers that let a request in. Told the headers that were refused, it gets others.
Credentials = Callable[[Mapping[str, str] | None], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True)
class Service:
    """An outside service and how it is asked.

    `timeout`: seconds to connect, and between two parts of an answer. `retry_policy`: of requests that are safe (GET,
    HEAD, OPTIONS, or sent with `extensions={"safe": True}`) or idempotent (`extensions={"idempotent": True}`, or all
    where the service has an `idempotency_header`). `circuit_breaker`: whether failures open a circuit. `rate_limit`: of
    the organization towards it. `private_addresses`: whether it may lie in a private network. `redirects_to`: other
    hosts to which it may redirect. `stubs`: in a dry run, the answers to what is not sent, by method and endpoint
    ("POST /users"). `raises`: whether an answer with an error status becomes an IntegrationError.
    """

    name: str
    base_url: str = ""
    timeout: float = 30.0
    retry_policy: RetryPolicy = RETRIES
    rate_limit: RateLimit | None = None
    circuit_breaker: bool = True
    private_addresses: bool = False
    redirects_to: frozenset[str] = frozenset()
    idempotency_header: str | None = None
    stubs: Mapping[str, JSON] = field(default_factory=dict)
    raises: bool = True

    @classmethod
    def parse(cls, name: str, options: Mapping[str, Any]) -> Service:
        """Raises DeclarationError for an unknown option or a bad value."""
        if unknown := options.keys() - cls.__dataclass_fields__.keys():
            known = ", ".join(cls.__dataclass_fields__)
            raise DeclarationError(f'The service "{name}" has no option {sorted(unknown)[0]!r}; it has {known}')
        values = dict(options)
        if values.get("retry_policy") is not None:
            values["retry_policy"] = RetryPolicy.parse(values["retry_policy"])
        if values.get("rate_limit") is not None:
            values["rate_limit"] = RateLimit.parse({"key": f"service {name}", **values["rate_limit"]})
        values["redirects_to"] = frozenset(host.lower() for host in values.get("redirects_to", ()))
        return cls(name=name, **values)


class Calls(Protocol):
    """What a run offers to the clients of the services that it asks."""

    @property
    def dry_run(self) -> bool:
        """Whether only reads go out."""

    def conceal(self, credential: str) -> None:
        """From now on it is removed from all that is recorded."""

    def shown(self, text: str) -> str:
        """The text without what must not be recorded."""

    def tracked(self, call: dict[str, JSON]) -> None:
        """Notes a request and what came of it."""

    async def step(self, call: StepCall) -> JSON:
        """Does a request as a step."""

    async def permit(self, rate: RateLimit) -> None:
        """Waits for a permit and takes it."""

    async def enter(self, service: str) -> Any:
        """Asks whether the service may be called. Raises CircuitBreakerOpen."""

    async def leave(self, entered: Any, error: BaseException | None, seconds: float) -> None:
        """Says what came of a call that was let through."""

    async def pause(self, seconds: float) -> None:
        """Waits before a request is sent again."""
