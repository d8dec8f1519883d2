"""What workflows put into the audit log: by a call of their own, and by steps that say so (`@step(audit=True)`)."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.sdk.documents import size
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.host import Host
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import StepCall, StepOptions
from bifrost.sdk.tolerant import JSON, plain

MAX_NAME = 200
SHOWN_BYTES = 32_000
# It has no answer of its own: what can fail is the way to the log.
OPTIONS = StepOptions(retry_policy=RetryPolicy(max_attempts=5))


def audit_call(host: Host, operation: object, resource_id: object, metadata: object) -> StepCall:
    """The step that writes the event. Raises ValidationError for metadata that are no mapping."""
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ValidationError(f"The metadata of an audit event must be a mapping, not {type(metadata).__name__}")
    resource = None if resource_id is None else _text(resource_id)
    given = {} if metadata is None else plain(dict(metadata))

    async def write(operation: str, resource: str | None, metadata: JSON) -> None:
        await host.service("audit", {"operation": operation, "resource": resource, "metadata": metadata})

    return StepCall("audit", write, (_text(operation), resource, given), {}, OPTIONS, implicit=True)


def step_event(call: StepCall) -> dict[str, JSON]:
    """What is recorded of a step that has succeeded."""
    return {"operation": f"step.{call.name}", "resource": None, "metadata": shown_arguments(call)}


def shown_arguments(call: StepCall) -> dict[str, JSON]:
    """The arguments as the record shows them."""
    args = [plain(value) for value in call.args if not hasattr(value, "call_step")]
    shown = {"args": args, **({"kwargs": plain(dict(call.kwargs))} if call.kwargs else {})}
    return shown if (length := size(shown)) <= SHOWN_BYTES else {"omitted": f"{length:,} bytes"}


def _text(value: object) -> str:
    return str(plain(value))[:MAX_NAME]
