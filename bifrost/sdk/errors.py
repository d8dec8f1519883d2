"""The errors that a workflow raises and meets.

WorkflowException
├── ValidationError           an input is wrong (InvalidInput)
├── PermissionError           the caller may not (TenantValidationFailed)
├── ConfigurationError        a config, secret, integration or connection is missing
├── IntegrationError          an outside service failed (ExternalApiError)
│   └── CircuitBreakerOpen    it failed so often that it is not asked for a while
├── RateLimited               there is no permit now (context.rate_limit)
├── TimeoutError              something took too long; also a builtin TimeoutError
├── DatabaseError             a database step failed
├── SerializationError        a value is not JSON
├── TooLarge                  a value or a history is over its limit
├── NonDeterminismError       a replay met another step than was recorded
├── MaxRetriesExceeded        the last repeat failed too
├── EscalatedError            handed to a person
└── WorkerLost                the process that ran it is gone
DeclarationError              a @workflow, @param or @data_provider is wrong: found at load
Detached (BaseException)      the run goes on elsewhere or not at all; user code must not catch it
ContinueAsNew (BaseException) the run ends in order to go on anew; user code must not catch it either
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from bifrost.sdk.tolerant import JSON, plain

__all__ = [
    "CircuitBreakerOpen",
    "ConfigurationError",
    "ContinueAsNew",
    "DatabaseError",
    "DeclarationError",
    "Detached",
    "EscalatedError",
    "ExternalApiError",
    "IntegrationError",
    "InvalidInput",
    "MaxRetriesExceeded",
    "NonDeterminismError",
    "PermissionError",
    "RateLimited",
    "SerializationError",
    "StepFailed",
    "TenantValidationFailed",
    "TimeoutError",
    "TooLarge",
    "ValidationError",
    "WorkerLost",
    "WorkflowException",
    "as_document",
    "from_document",
]

UNEXPECTED = "An unexpected error occurred during workflow execution"
TIMED_OUT = "An operation of the workflow timed out"


class WorkflowException(Exception):
    """An error that its caller may read: its type, message and details are answered as they are.

    Further keyword arguments are facts: those that are not None become details, and all become attributes
    where the name is free. The type is the class name unless `error_type` says otherwise.
    """

    def __init__(
        self,
        message: str = "",
        error_type: str | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        self.message = message if isinstance(message, str) else str(message)
        super().__init__(self.message)
        self.error_type = error_type or type(self).__name__
        # A details argument of another type must not hide the error that it belongs to.
        given = details if details is None or isinstance(details, Mapping) else {"details": details}
        self.details: dict[str, Any] = dict(given or {})
        self.details.update((name, value) for name, value in facts.items() if value is not None)
        for name, value in facts.items():
            if name not in self.__dict__ and not hasattr(WorkflowException, name):
                setattr(self, name, value)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructor is not called again: a subclass may want other arguments than these.
        return _restored, (type(self), self.args, dict(self.__dict__))


def _restored(cls: type[WorkflowException], args: tuple[Any, ...], state: dict[str, Any]) -> WorkflowException:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class _Known(WorkflowException):
    """A class that can be made again from its document: `named` are its arguments between message and
    details.
    """

    named: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_details(cls, message: str, details: Mapping[str, Any]) -> Self:
        return cls(message, details=details, **{name: details.get(name) for name in cls.named})


class ValidationError(_Known):
    named = ("field",)
    field: str | None

    def __init__(
        self,
        message: str = "",
        field: str | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, field=field, **facts)


class PermissionError(_Known):
    named = ("required_role", "current_user")
    required_role: str | None
    current_user: str | None

    def __init__(
        self,
        message: str = "",
        required_role: str | None = None,
        current_user: str | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, required_role=required_role, current_user=current_user, **facts)


class ConfigurationError(_Known):
    named = ("config_key",)
    config_key: str | None

    def __init__(
        self,
        message: str = "",
        config_key: str | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, config_key=config_key, **facts)


class IntegrationError(_Known):
    named: ClassVar[tuple[str, ...]] = ("integration", "status_code")
    integration: str | None
    status_code: int | None

    def __init__(
        self,
        message: str = "",
        integration: str | None = None,
        status_code: int | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, integration=integration, status_code=status_code, **facts)


class CircuitBreakerOpen(IntegrationError):
    """`integration` is the service that is not asked, `retry_after` the seconds until it may be."""

    named = ("integration", "status_code", "retry_after")
    retry_after: float | None = None


class RateLimited(_Known):
    """There is no permit under this name now; `retry_after`: the seconds until there is one."""

    named = ("name", "retry_after")
    name: str | None
    retry_after: float | None

    def __init__(
        self,
        message: str = "",
        name: str | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, name=name, retry_after=retry_after, **facts)


class TimeoutError(_Known, builtins.TimeoutError):
    named = ("timeout_seconds", "operation")
    timeout_seconds: float | None
    operation: str | None

    def __init__(
        self,
        message: str = "",
        timeout_seconds: float | None = None,
        operation: str | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, timeout_seconds=timeout_seconds, operation=operation, **facts)


class SerializationError(_Known):
    """A value that must be JSON is not: `place` says where (`result.users[3].created`), `reason` why."""

    named = ("place", "reason")
    place: str | None
    reason: str | None

    def __init__(
        self,
        message: str = "",
        place: str | None = None,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, None, details, place=place, reason=reason, **facts)


class _Simple(_Known):
    def __init__(self, message: str = "", details: Mapping[str, Any] | None = None, **facts: Any) -> None:
        super().__init__(message, None, details, **facts)


class DatabaseError(_Simple):
    pass


class TooLarge(_Simple):
    pass


class NonDeterminismError(_Simple):
    pass


class MaxRetriesExceeded(_Simple):
    pass


class EscalatedError(_Simple):
    pass


class WorkerLost(_Simple):
    pass


class StepFailed(WorkflowException):
    """A step raised an error that is none of ours: `cause_type` is its class's name, `cause_message` its text.

    The same whether the step has just failed or its failure was recorded earlier. A caller is told what it is told of
    any unexpected error, and which step it was.
    """

    def __init__(self, step: str, cause_type: str, cause_message: str) -> None:
        super().__init__(UNEXPECTED, "InternalServerError", {"step": step})
        self.step = step
        self.cause_type = cause_type
        self.cause_message = cause_message

    def __str__(self) -> str:
        return f"The step {self.step!r} failed: {self.cause_type}: {self.cause_message}"


class DeclarationError(Exception):
    """A declaration is wrong; the message says what to change."""


class Detached(BaseException):
    """The run was taken from this process: nothing it does counts any more. Not an Exception, so that user
    code which catches everything still ends. `gone`: nobody goes on with it, so it may clean up on its way out.
    """

    def __init__(self, message: str = "", *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class ContinueAsNew(BaseException):
    """The way in which `context.continue_as_new` leaves the code: no failure, so that nothing is undone for it. A test
    may catch it; `parameters` are those of the run that comes next.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        super().__init__("The run goes on as a new one.")
        self.parameters = dict(parameters)


ExternalApiError = IntegrationError
InvalidInput = ValidationError
TenantValidationFailed = PermissionError

_KNOWN: dict[str, type[_Known]] = {
    known.__name__: known
    for known in (
        CircuitBreakerOpen,
        ConfigurationError,
        DatabaseError,
        EscalatedError,
        IntegrationError,
        MaxRetriesExceeded,
        NonDeterminismError,
        PermissionError,
        RateLimited,
        SerializationError,
        TimeoutError,
        TooLarge,
        ValidationError,
        WorkerLost,
    )
}


def as_document(error: BaseException) -> dict[str, JSON]:
    """What a caller is told of an error: `{"error", "message", "details"}`, always JSON; nothing internal in
    it.
    """
    if isinstance(error, WorkflowException):
        return {
            "error": plain(error.error_type),
            "message": plain(error.message),
            "details": plain(error.details),
        }
    if isinstance(error, builtins.TimeoutError):
        return {"error": "TimeoutError", "message": _timeout_message(error), "details": {}}
    return {"error": "InternalServerError", "message": UNEXPECTED, "details": {}}


def _timeout_message(error: builtins.TimeoutError) -> str:
    # Only what an author wrote: the operating system's and the libraries' texts name addresses of the
    # network.
    own = type(error) is builtins.TimeoutError and error.errno is None
    return str(plain(str(error))) if own and str(error) else TIMED_OUT


def from_document(document: Mapping[str, Any]) -> WorkflowException:
    """The error that `as_document` described: its own class where it is one of ours, else a
    WorkflowException.
    """
    name, message, details = document["error"], document["message"], document.get("details") or {}
    known = _KNOWN.get(name)
    if known is not None:
        return known.from_details(message, details)
    return WorkflowException(message, error_type=name, details=details)
