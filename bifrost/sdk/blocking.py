"""The context of a plain `def` workflow: what `OrganizationContext` offers, blocking."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import timedelta
from typing import Any

from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.declarations import MISSING
from bifrost.sdk.host import Host
from bifrost.sdk.mapping import Mapped
from bifrost.sdk.plain_calls import PlainCalls
from bifrost.sdk.steps import StepCall, step_of


class BlockingContext(PlainCalls):
    """The context of a plain `def` workflow: the same names, blocking."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._awaiting = OrganizationContext(host)

    def get_secret(self, name: str) -> str:
        """ConfigurationError names a secret that the organization does not have."""
        return str(self._wait(self._awaiting.get_secret(name)))

    def get_oauth_connection(self, name: str) -> Any:
        """ConfigurationError where the connection is missing."""
        raise self._no_connection(name)

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

    def map(self, function: Callable[..., Any], items: Iterable[Any], **how: Any) -> Mapped:
        """Does `function(item)` as a step for each item; see `OrganizationContext.map`."""
        mapped: Mapped = self._wait(self._awaiting.map(function, items, **how))
        return mapped

    def execute_workflow(self, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs another workflow for the same organization and caller and returns its result; raises its
        error.
        """
        return self._wait(self._awaiting.execute_workflow(name, parameters))

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._host.run_blocking(coroutine)
