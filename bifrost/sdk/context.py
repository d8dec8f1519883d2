"""The context: everything a workflow may ask of the platform while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.sdk.caller import Caller
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import ConfigurationError, ValidationError
from bifrost.sdk.host import Host
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

    def _config(self, key: str) -> tuple[bool, Any]:
        present, value = self._host.config(key)
        self._host.record("config", _name(key), {"present": present})
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

    async def execute_workflow(self, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs another workflow for the same organization and caller and returns its result; raises its
        error.
        """
        return await self._host.run_child(name, self._child_parameters(parameters))


class BlockingContext(_Context):
    """The context of a plain `def` workflow: the same names, blocking."""

    def get_secret(self, name: str) -> str:
        """ConfigurationError names a secret that the organization does not have."""
        self._host.check()
        return self._host.run_blocking(self._host.secret(name))

    def get_oauth_connection(self, name: str) -> Any:
        """ConfigurationError where the connection is missing."""
        raise self._no_connection(name)

    def execute_workflow(self, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs another workflow for the same organization and caller and returns its result; raises its
        error.
        """
        return self._host.run_blocking(self._host.run_child(name, self._child_parameters(parameters)))


def _name(name: object) -> str:
    text = name if isinstance(name, str) else str(plain(name))
    return str(plain(text[:MAX_NAME]))
