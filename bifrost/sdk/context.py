"""The context: everything a workflow may ask of the platform while it runs."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from bifrost.sdk.caller import Caller
from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import exact
from bifrost.sdk.durable import First, Wait, first_of, length
from bifrost.sdk.errors import ConfigurationError, TimeoutError, ValidationError
from bifrost.sdk.host import Host
from bifrost.sdk.mapping import Mapped, OnError, map_items
from bifrost.sdk.steps import StepCall, step_of
from bifrost.sdk.tolerant import JSON, plain

__all__ = ["BlockingContext", "Caller", "OrganizationContext"]

LEVELS = frozenset({"debug", "info", "warning", "error"})
#: Names of checkpoints, variables and integrations are stored in a column of this length.
MAX_NAME = 200


class _Context:
    """What both contexts share: plain calls, durable before the next barrier. Each raises Detached once the
    run was taken from this process.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._variables: dict[str, JSON] = {}
        self._checkpoints: dict[str, JSON] = {}
        self._unknown_levels: set[str] = set()

    @property
    def org_id(self) -> str:
        return self._host.organization.org_id

    @property
    def org_name(self) -> str:
        return self._host.organization.name

    @property
    def tenant_id(self) -> str | None:
        """The organization's Microsoft 365 tenant."""
        return self._host.organization.tenant_id

    @property
    def execution_id(self) -> str:
        return self._host.execution_id

    @property
    def workflow_name(self) -> str:
        return self._host.workflow_name

    @property
    def attempt(self) -> int:
        """Which attempt of the retry policy this is, counted from 1."""
        return self._host.attempt

    @property
    def caller(self) -> Caller:
        return self._host.caller

    @property
    def executed_by(self) -> str:
        return self._host.caller.user_id

    @property
    def executed_by_email(self) -> str:
        return self._host.caller.email

    @property
    def executed_by_name(self) -> str:
        return self._host.caller.name

    def log(self, level: str, message: str, data: Any = None) -> None:
        """Levels are debug, info, warning and error; another one counts as info and is warned of once.
        What is not JSON in `data` is stored as its repr.
        """
        known = _name(level).lower()
        if known not in LEVELS:
            if known not in self._unknown_levels:
                self._unknown_levels.add(known)
                self._log("warning", f'There is no log level "{known}": such lines are logged as info', None)
            known = "info"
        self._log(known, message, data)

    def save_checkpoint(self, name: str, data: Any = None) -> None:
        """Notes the state under a name; `get_checkpoint` finds the last one, also in a later attempt."""
        name, saved = _name(name), plain(data)
        self._host.record("checkpoint", name, saved)
        self._checkpoints[name] = saved

    def get_checkpoint(self, name: str, default: Any = None) -> Any:
        """A copy of what was last saved under this name by any attempt of this execution."""
        self._host.check()
        name = _name(name)
        if name in self._checkpoints:
            return plain(self._checkpoints[name])
        present, saved = self._host.last_checkpoint(name)
        return plain(saved) if present else default

    def set_variable(self, name: str, value: Any) -> None:
        """Keeps a value for the rest of this attempt and shows it in the record. Stored as JSON."""
        name, kept = _name(name), plain(value)
        self._host.record("variable", name, kept)
        self._variables[name] = kept

    def get_variable(self, name: str, default: Any = None) -> Any:
        """A copy: changing it changes nothing until `set_variable` is called again."""
        self._host.check()
        name = _name(name)
        return plain(self._variables[name]) if name in self._variables else default

    def get_config(self, key: str, default: Any = None) -> Any:
        """The organization's config, else the default."""
        present, value = self._config(key)
        return value if present else default

    def has_config(self, key: str) -> bool:
        return self._config(key)[0]

    def get_integration(self, name: str) -> Any:
        """ConfigurationError where the integration is missing."""
        self._host.check()
        raise ConfigurationError(f'There is no integration "{_name(name)}"', config_key=_name(name))

    def _track_integration_call(
        self,
        integration: str,
        method: str,
        endpoint: str,
        status_code: int | None = None,
        duration_ms: int | None = None,
        error: str | None = None,
    ) -> None:
        """Notes a request to an outside service that the integration client did not make itself."""
        call = {
            "integration": _name(integration),
            "method": method,
            "endpoint": endpoint,
            "status_code": status_code,
            "duration_ms": duration_ms,
            "success": error is None and (not isinstance(status_code, int) or status_code < 400),
            "error": error,
        }
        self._host.record("integration_call", _name(integration), plain(call))

    def _log(self, level: str, message: object, data: Any) -> None:
        text = plain(message if isinstance(message, str) else str(plain(message)))
        self._host.record("log", level, {"message": text, "data": plain(data)})

    def progress(self, done: float, total: float, message: str = "") -> None:
        """Shows how far the run is, as a bar with an estimate of the rest."""
        self._host.progress(float(done), float(total), str(plain(message))[:MAX_NAME])

    def complete_with_errors(self, result: Any, failed: Sequence[Any]) -> Any:
        """The run ends as CompletedWithErrors, with this result and this list of what failed. Returns the result."""
        self._host.complete_with_errors([plain(each) for each in failed])
        return result

    def now(self) -> datetime:
        """The time in UTC, as it was when the code first came here: a run that resumes gets the same again."""
        return datetime.fromisoformat(self._host.value("value", "now", lambda: datetime.now(UTC).isoformat()))

    def random(self) -> float:
        """A number from 0 up to 1; a run that resumes gets the same again."""
        return float(self._host.value("value", "random", random.random))

    def uuid(self) -> UUID:
        """A random UUID; a run that resumes gets the same again."""
        return UUID(self._host.value("value", "uuid", lambda: str(uuid4())))

    def patched(self, change: str) -> bool:
        """Whether this run takes the changed way: True for one that comes here for the first time, False for
        one that came by before the change was made. `change` is the name of the change, for ever.
        """
        return self._host.patched(_name(change))

    def _config(self, key: str) -> tuple[bool, Any]:
        present, value = self._host.config(_name(key))
        # A copy of its own: the snapshot serves the whole run.
        return present, plain(value)

    def _no_connection(self, name: str) -> ConfigurationError:
        self._host.check()
        return ConfigurationError(f'There is no OAuth connection "{_name(name)}"', config_key=_name(name))

    def _child_parameters(self, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        self._host.check()
        given = {} if parameters is None else parameters
        if not isinstance(given, Mapping):
            raise ValidationError(f"The parameters of a workflow must be a mapping, not {type(given).__name__}")
        copied: dict[str, Any] = exact(dict(given), "parameters")
        return copied


class OrganizationContext(_Context):
    """The context of an `async def` workflow."""

    async def get_secret(self, name: str) -> str:
        """ConfigurationError names a secret that the organization does not have."""
        self._host.check()
        return await self._host.secret(name)

    async def get_oauth_connection(self, name: str) -> Any:
        """ConfigurationError where the connection is missing."""
        raise self._no_connection(name)

    async def step(self, name: Any, function: Any = MISSING, /, *args: Any, options: Any = None, **kwargs: Any) -> Any:
        """Does `function(*args, **kwargs)` as a step: once recorded, its result is never computed again.

        The name may be left out; `options` are those of `StepOptions`, as one or as a mapping.
        """
        return await self.call_step(step_of(name, function, args, kwargs, options))

    def call_step(self, call: StepCall) -> Any:
        """For `@step`: does the step that was called."""
        return self._host.step(call)

    async def sleep(self, seconds: float | timedelta) -> None:
        """Waits; longer than a second, it needs no worker meanwhile and survives every restart."""
        await self._host.wait(Wait("timer", "", length("sleep", seconds)))

    async def wait_for_signal(self, name: str, timeout: float | timedelta | None = None, default: Any = MISSING) -> Any:
        """The body of the next signal of this name, also of one that came before.

        With `timeout` (seconds or a timedelta): where none has come by then, the default, or a TimeoutError.
        """
        limit = None if timeout is None else length("timeout", timeout)
        answer = await self._host.wait(Wait("signal", _name(name), limit, entry="signal"))
        if "timedOut" not in answer:
            return plain(answer.get("value"))
        if default is MISSING:
            raise TimeoutError(f"No signal {name!r} came within {limit:g} seconds", limit, f"signal {name}")
        return default

    async def first(self, *waits: Awaitable[Any], **named: Awaitable[Any]) -> First:
        """Waits for whichever comes first; the others are given up. `First.key` is its place, or its name."""
        by_key: dict[int | str, Awaitable[Any]] = {**dict(enumerate(waits))}
        by_key.update(named)
        return await first_of(by_key)

    async def map(
        self,
        function: Callable[..., Any],
        items: Iterable[Any],
        *,
        concurrency: int = 10,
        batch_size: int | None = None,
        on_error: OnError = "raise",
        options: Any = None,
    ) -> Mapped:
        """Does `function(item)` as a step for each item, so many at once; a run that resumes goes on with the rest.

        `batch_size`: so many items are one step, for lists of thousands. `on_error="collect"`: one that fails stops
        no other, and the run ends as CompletedWithErrors. Shows its progress.
        """
        return await map_items(
            self,
            function,
            items,
            concurrency=concurrency,
            batch_size=batch_size,
            on_error=on_error,
            options=options,
        )

    async def execute_workflow(self, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs another workflow for the same organization and caller and returns its result; raises its
        error.
        """
        return await self._host.run_child(name, self._child_parameters(parameters))


class BlockingContext(_Context):
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


def _name(name: object) -> str:
    text = name if isinstance(name, str) else str(plain(name))
    return str(plain(text[:MAX_NAME]))
