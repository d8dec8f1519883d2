"""What happens when a workflow fails, chosen by the type of its error: `@workflow(recovery={...})`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from bifrost.sdk.errors import DeclarationError, StepFailed, WorkflowException, as_document
from bifrost.sdk.retry import RetryPolicy

__all__ = ["Recovery", "Strategy"]

Strategy = Literal["retry", "compensate", "escalate", "fail"]
STRATEGIES: tuple[Strategy, ...] = ("retry", "compensate", "escalate", "fail")
OTHERS = "*"
#: What other error types are called in the documents.
_ALIASES = {
    "ExternalApiError": "IntegrationError",
    "InvalidInput": "ValidationError",
    "TenantValidationFailed": "PermissionError",
}
#: temporal-workflow-patterns.md, "Workflow Error Recovery".
DEFAULTS: Mapping[str, Strategy] = {
    "DatabaseError": "retry",
    "IntegrationError": "retry",
    "PermissionError": "escalate",
    "ValidationError": "escalate",
    OTHERS: "compensate",
}
#: Three repeats, after 1, 2 and 4 seconds.
REPEATS = RetryPolicy(max_attempts=4, initial_interval_seconds=1.0, backoff_multiplier=2.0)


@dataclass(frozen=True)
class Recovery:
    """`strategies`: by the name of an error type, and "*" for all others. `compensation`: the workflow that undoes,
    given `original_input` and `failure_reason`; sagas undo by themselves.
    """

    strategies: Mapping[str, Strategy]
    compensation: str | None = None

    @classmethod
    def parse(cls, recovery: Mapping[Any, Any] | bool | None, compensation: str | None) -> Recovery | None:
        """From what `@workflow` was given: types of errors, by name or class, with a strategy each; what is left out is
        as in DEFAULTS. Raises DeclarationError.
        """
        if recovery is None or recovery is False:
            if compensation is not None:
                raise DeclarationError("compensation counts only with recovery=")
            return None
        given = {} if recovery is True else recovery
        if not isinstance(given, Mapping):
            raise DeclarationError(f"recovery must map error types to strategies, not be {type(given).__name__}")
        named = dict(given)
        compensation = named.pop("compensation", compensation)
        if compensation is not None and not isinstance(compensation, str):
            raise DeclarationError("compensation must be the name of a workflow")
        chosen = {_type_name(error): _strategy(strategy) for error, strategy in named.items()}
        return cls({**DEFAULTS, **chosen}, compensation)

    def policy(self, policy: RetryPolicy | None) -> RetryPolicy:
        """The retry policy with which what is to be retried is tried again."""
        retried = tuple(name for name, strategy in self.strategies.items() if strategy == "retry" and name != OTHERS)
        chosen = policy or REPEATS
        return replace(chosen, retry_on=tuple(dict.fromkeys([*chosen.retry_on, *retried])))

    def strategy_for(self, error: BaseException) -> Strategy:
        """By the error's own type, then by the classes that it comes from."""
        for name in _type_names(error):
            if name in self.strategies:
                return self.strategies[name]
        return self.strategies[OTHERS]


def _type_names(error: BaseException) -> Iterable[str]:
    if isinstance(error, StepFailed):
        yield error.cause_type
    if isinstance(error, WorkflowException):
        yield str(error.error_type)
    yield str(as_document(error)["error"])
    for known in type(error).__mro__:
        yield _ALIASES.get(known.__name__, known.__name__)


def _type_name(error: Any) -> str:
    name = error.__name__ if isinstance(error, type) else error
    if not isinstance(name, str) or not name:
        raise DeclarationError(f"recovery names types of errors, not {error!r}")
    return OTHERS if name == "default" else _ALIASES.get(name, name)


def _strategy(chosen: Any) -> Strategy:
    if chosen not in STRATEGIES:
        raise DeclarationError(f"recovery knows {', '.join(STRATEGIES)}, not {chosen!r}")
    strategy: Strategy = chosen
    return strategy
