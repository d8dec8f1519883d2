"""What a start can be refused with, beside the SDK's own ValidationError and PermissionError.

Refused
├── UnknownWorkflow       404
├── UnknownExecution      404
├── UnknownApproval       404
├── UnknownWebhook        404
├── UnknownDelivery       404
├── UnknownSchedule       404
├── UnknownAlert          404
├── UnknownConfig         404
├── UnknownSecret         404
├── UnknownNotice         404
├── UnknownDataProvider   404
├── UnknownFile           404
├── IdempotencyConflict   409
├── HasEnded              409
├── NotEnded              409
├── AlreadyDecided        409
├── AlreadyHandled        409
├── DeliveryNotKept       409
├── ScheduleOfAudience    409
├── SignalTooLarge        413
├── TooManyUploads        429
├── TooManyWaiting        429, with `retry_after` seconds
├── TooManyWatching       503, with `retry_after` seconds
├── ProviderFailed        503, a data provider gave no options
└── PlatformUnavailable   503
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from orgs.errors import Denied


class Refused(Denied):
    """A start or a request about an execution was refused. `execution_id`: where one exists all the same."""

    status_code = 400
    error = "ValidationError"
    execution_id: str | None = None


class UnknownWorkflow(Refused):
    status_code = 404
    error = "NotFound"


class UnknownExecution(Refused):
    status_code = 404
    error = "NotFound"


class UnknownApproval(Refused):
    status_code = 404
    error = "NotFound"


class UnknownConfig(Refused):
    status_code = 404
    error = "NotFound"


class UnknownSecret(Refused):
    status_code = 404
    error = "NotFound"


class UnknownWebhook(Refused):
    status_code = 404
    error = "NotFound"


class UnknownDelivery(Refused):
    status_code = 404
    error = "NotFound"


class UnknownSchedule(Refused):
    status_code = 404
    error = "NotFound"


class UnknownAlert(Refused):
    status_code = 404
    error = "NotFound"


class UnknownNotice(Refused):
    status_code = 404
    error = "NotFound"


class UnknownDataProvider(Refused):
    status_code = 404
    error = "NotFound"


class UnknownFile(Refused):
    status_code = 404
    error = "NotFound"


class IdempotencyConflict(Refused):
    status_code = 409
    error = "Conflict"


class AlreadyDecided(Refused):
    status_code = 409
    error = "Conflict"


class AlreadyHandled(Refused):
    status_code = 409
    error = "Conflict"


class DeliveryNotKept(Refused):
    status_code = 409
    error = "Conflict"


class HasEnded(Refused):
    """The execution's status is terminal, and never changes."""

    status_code = 409
    error = "Conflict"


class NotEnded(Refused):
    """The execution goes on, so it cannot be started again."""

    status_code = 409
    error = "Conflict"


class ScheduleOfAudience(Refused):
    status_code = 409
    error = "Conflict"


class SignalTooLarge(Refused):
    status_code = 413
    error = "TooLarge"


class TooManyUploads(Refused):
    status_code = 429
    error = "TooManyRequests"


class TooManyWaiting(Refused):
    status_code = 429
    error = "TooManyRequests"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers: Mapping[str, str] = MappingProxyType({"Retry-After": str(retry_after)})


class TooManyWatching(Refused):
    status_code = 503
    error = "ServiceUnavailable"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.headers: Mapping[str, str] = MappingProxyType({"Retry-After": str(retry_after)})


class PlatformUnavailable(Refused):
    status_code = 503
    error = "ServiceUnavailable"

    def __init__(self, message: str, details: dict[str, Any] | None = None, execution_id: str | None = None) -> None:
        super().__init__(message, details)
        self.execution_id = execution_id


class ProviderFailed(Refused):
    """A data provider gave no options. The message is for everybody, `reason` for staff and logs alone."""

    status_code = 503
    error = "ServiceUnavailable"

    def __init__(self, message: str, provider: str, reason: str = "") -> None:
        super().__init__(message, {"dataProvider": provider})
        self.provider = provider
        self.reason = reason
