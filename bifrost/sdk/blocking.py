"""The context of a plain `def` workflow: what `OrganizationContext` offers, blocking."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from bifrost.sdk.children import BlockingHandle, ParentClose
from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.declarations import MISSING
from bifrost.sdk.host import Host
from bifrost.sdk.mapping import Mapped
from bifrost.sdk.outside import Blocking
from bifrost.sdk.plain_calls import PlainCalls
from bifrost.sdk.protection import BlockingCircuit, BlockingDatabase
from bifrost.sdk.saga import BlockingSaga
from bifrost.sdk.steps import StepCall, WhenOpen, step_of
from bifrost.sdk.tolerant import JSON


class BlockingContext(PlainCalls):
    """The context of a plain `def` workflow: the same names, blocking."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._awaiting = OrganizationContext(host)

    def get_secret(self, name: str, *, previous: bool = False) -> str:
        """The secret's value; see `OrganizationContext.get_secret`."""
        return str(self._wait(self._awaiting.get_secret(name, previous=previous)))

    def get_oauth_connection(self, name: str) -> OAuthCredentials:
        """The credentials of an OAuth connection; see `OrganizationContext.get_oauth_connection`."""
        credentials: OAuthCredentials = self._wait(self._awaiting.get_oauth_connection(name))
        return credentials

    @property
    def dry_run(self) -> bool:
        """Whether this run only reads: what would change something outside is recorded and not sent."""
        return self._awaiting.dry_run

    def get_integration(self, name: str) -> Any:
        """The integration of this name, its methods blocking; see `OrganizationContext.get_integration`."""
        return Blocking(self, self._awaiting.get_integration(name))

    def http(self, service: str, **options: Any) -> Any:
        """httpx's client for any service, its methods blocking; see `OrganizationContext.http`."""
        return Blocking(self, self._awaiting.http(service, **options))

    def step(self, name: Any, function: Any = MISSING, /, *args: Any, options: Any = None, **kwargs: Any) -> Any:
        """Does `function(*args, **kwargs)` as a step: once recorded, its result is never computed again."""
        return self.call_step(step_of(name, function, args, kwargs, options))

    def call_step(self, call: StepCall) -> Any:
        """For `@step`: does the step that was called."""
        return self._wait(self._awaiting.call_step(call))

    def audit(self, operation: str, resource_id: Any = None, metadata: Mapping[str, Any] | None = None) -> None:
        """Puts an event into the organization's audit log, once; see `OrganizationContext.audit`."""
        self._wait(self._awaiting.audit(operation, resource_id, metadata))

    def sleep(self, seconds: float | timedelta) -> None:
        """Waits; longer than a second, it needs no worker meanwhile and survives every restart."""
        self._wait(self._awaiting.sleep(seconds))

    def wait_for_signal(self, name: str, timeout: float | timedelta | None = None, default: Any = MISSING) -> Any:
        """The body of the next signal of this name, also of one that came before; with `timeout`, the default
        or a TimeoutError where none has come by then.
        """
        return self._wait(self._awaiting.wait_for_signal(name, timeout, default))

    def wait_for_approval(
        self,
        title: str,
        form: Mapping[str, Any] | None = None,
        approvers: str | Iterable[str] | None = None,
        timeout: float | timedelta | None = None,
        default: Any = MISSING,
        message: str = "",
    ) -> Any:
        """The `Decision` of a person; see `OrganizationContext.wait_for_approval`."""
        return self._wait(self._awaiting.wait_for_approval(title, form, approvers, timeout, default, message))

    def map(self, function: Callable[..., Any], items: Iterable[Any], **how: Any) -> Mapped:
        """Does `function(item)` as a step for each item; see `OrganizationContext.map`."""
        mapped: Mapped = self._wait(self._awaiting.map(function, items, **how))
        return mapped

    def saga(self, name: str = "saga") -> BlockingSaga:
        """Steps that belong together: where the block fails, those that were done are undone, the last one first."""
        return BlockingSaga(self._awaiting.saga(name))

    def notify(self, subject: str, message: str, to: str | Iterable[str] | None = None) -> None:
        """Leaves a notice for a person; see `OrganizationContext.notify`."""
        self._wait(self._awaiting.notify(subject, message, to))

    def save_file(self, name: str, content: bytes | str, content_type: str | None = None) -> dict[str, JSON]:
        """Keeps a file with this run; see `OrganizationContext.save_file`."""
        saved: dict[str, JSON] = self._wait(self._awaiting.save_file(name, content, content_type))
        return saved

    def read_file(self, file: Mapping[str, Any]) -> bytes:
        """The content of a file; see `OrganizationContext.read_file`."""
        content: bytes = self._wait(self._awaiting.read_file(file))
        return content

    def execute_workflow(self, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs another workflow for the same organization and caller and returns its result; raises its
        error.
        """
        return self._wait(self._awaiting.execute_workflow(name, parameters))

    def rate_limit(self, key: str, limit: int, per: float | timedelta = 60, wait: bool = True) -> None:
        """Takes one of the organization's permits under this key; see `OrganizationContext.rate_limit`."""
        self._wait(self._awaiting.rate_limit(key, limit, per, wait))

    def circuit_breaker(self, service: str, when_open: WhenOpen = "fail") -> BlockingCircuit:
        """`with context.circuit_breaker("halopsa"):`; see `OrganizationContext.circuit_breaker`."""
        return BlockingCircuit(self, self._awaiting.circuit_breaker(service, when_open))

    def database(self, secret: str) -> BlockingDatabase:
        """The outside PostgreSQL whose address (DSN) is the organization's secret of this name."""
        return BlockingDatabase(self, self._awaiting.database(secret))

    def start_workflow(
        self, name: str, parameters: Mapping[str, Any] | None = None, *, parent_close: ParentClose = "cancel"
    ) -> BlockingHandle:
        """Starts another workflow and returns at once, with a handle; see `OrganizationContext.start_workflow`."""
        return BlockingHandle(self._wait(self._awaiting.start_workflow(name, parameters, parent_close=parent_close)))

    def signal_workflow(self, execution_id: Any, name: str, body: Any = None) -> None:
        """Sends a signal to another execution of this organization, which this run's caller may manage."""
        self._wait(self._awaiting.signal_workflow(execution_id, name, body))

    def continue_as_new(self, /, **parameters: Any) -> NoReturn:
        """Ends this run; the same workflow goes on in a new one; see `OrganizationContext.continue_as_new`."""
        self._wait(self._awaiting.continue_as_new(**parameters))
        raise AssertionError("unreachable")

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._host.run_blocking(coroutine)
