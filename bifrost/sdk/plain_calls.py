"""What every context offers, also inside a plain `def` workflow: calls that need not be awaited."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from bifrost.sdk.caller import Caller
from bifrost.sdk.cards import ResultCards
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import PermissionError, ValidationError
from bifrost.sdk.host import Host
from bifrost.sdk.tolerant import JSON, plain

LEVELS = frozenset({"debug", "info", "warning", "error"})
#: Names of checkpoints, variables and integrations are stored in a column of this length.
MAX_NAME = 200


class PlainCalls(ResultCards):
    """What both contexts share: durable before the next barrier. Each raises Detached once the run was taken from
    this process.
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
        known = name_of(level).lower()
        if known not in LEVELS:
            if known not in self._unknown_levels:
                self._unknown_levels.add(known)
                self._log("warning", f'There is no log level "{known}": such lines are logged as info', None)
            known = "info"
        self._log(known, message, data)

    def save_checkpoint(self, name: str, data: Any = None) -> None:
        """Notes the state under a name; `get_checkpoint` finds the last one, also in a later attempt."""
        name, saved = name_of(name), plain(data)
        self._host.record("checkpoint", name, saved)
        self._checkpoints[name] = saved

    def get_checkpoint(self, name: str, default: Any = None) -> Any:
        """A copy of what was last saved under this name by any attempt of this execution."""
        self._host.check()
        name = name_of(name)
        if name in self._checkpoints:
            return plain(self._checkpoints[name])
        present, saved = self._host.last_checkpoint(name)
        return plain(saved) if present else default

    def set_variable(self, name: str, value: Any) -> None:
        """Keeps a value for the rest of this attempt and shows it in the record. Stored as JSON."""
        name, kept = name_of(name), plain(value)
        self._host.record("variable", name, kept)
        self._variables[name] = kept

    def get_variable(self, name: str, default: Any = None) -> Any:
        """A copy: changing it changes nothing until `set_variable` is called again."""
        self._host.check()
        name = name_of(name)
        return plain(self._variables[name]) if name in self._variables else default

    def get_config(self, key: str, default: Any = None) -> Any:
        """The organization's config, else the default."""
        present, value = self._config(key)
        return value if present else default

    def has_config(self, key: str) -> bool:
        return self._config(key)[0]

    def _track_integration_call(
        self,
        integration: str,
        method: str,
        endpoint: str,
        status_code: int | None = None,
        duration_ms: int | None = None,
        error: str | None = None,
    ) -> None:
        """Notes a request to an outside service. One that the integration's client has just tracked itself is that one:
        the record shows them together.
        """
        call = {
            "integration": name_of(integration),
            "method": method,
            "endpoint": endpoint,
            "status_code": status_code,
            "duration_ms": duration_ms,
            "success": error is None and (not isinstance(status_code, int) or status_code < 400),
            "error": error,
        }
        self._host.record("integration_call", name_of(integration), plain(call))

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

    def require_permission(self, name: str) -> None:
        """Raises PermissionError, which names the permission, where the caller does not have it. The answer is that
        of when the code first came here, also for a run that resumes.
        """
        known = name_of(name)
        if not self._host.value("value", f"permitted {known}"[:MAX_NAME], lambda: self._host.permitted(known)):
            raise PermissionError(f"This needs the permission {known}.", required_permission=known)

    def patched(self, change: str) -> bool:
        """Whether this run takes the changed way: True for one that comes here for the first time, False for
        one that came by before the change was made. `change` is the name of the change, for ever.
        """
        return self._host.patched(name_of(change))

    def _config(self, key: str) -> tuple[bool, Any]:
        present, value = self._host.config(name_of(key))
        # A copy of its own: the snapshot serves the whole run.
        return present, plain(value)

    def _child_parameters(self, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        self._host.check()
        given = {} if parameters is None else parameters
        if not isinstance(given, Mapping):
            raise ValidationError(f"The parameters of a workflow must be a mapping, not {type(given).__name__}")
        copied: dict[str, Any] = exact(dict(given), "parameters")
        return copied


def name_of(name: object) -> str:
    text = name if isinstance(name, str) else str(plain(name))
    return str(plain(text[:MAX_NAME]))
