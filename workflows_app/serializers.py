"""How rows and declarations look as JSON: the envelope's names in camelCase, everything inside as it is, but cut."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bifrost.sdk.sanitizing import cut, redact_keys
from workflows_app import progress
from workflows_app.catalog import LoadedWorkflow

TRIGGER_KEYS = ("type", "formId", "submissionId", "scheduleId", "webhookDeliveryId", "tokenName")


def workflow_document(loaded: LoadedWorkflow) -> dict[str, Any]:
    """A workflow's metadata as the API shows it."""
    spec = loaded.spec
    return {
        "name": spec.name,
        "description": spec.description,
        "category": spec.category,
        "tags": list(spec.tags),
        "executionMode": spec.execution_mode,
        "timeoutSeconds": spec.timeout_seconds,
        "maxDurationSeconds": spec.max_duration_seconds,
        "schedule": spec.schedule,
        "requiresOrg": spec.requires_org,
        "exposeInForms": spec.expose_in_forms,
        "requiresApproval": spec.requires_approval,
        "requiredPermission": spec.required_permission or None,
        "webhookEnabled": spec.webhook_enabled,
        "parameters": spec.parameters_schema(),
        "codeVersion": loaded.code_version,
    }


def summary_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """An execution as a list shows it."""
    return {
        "executionId": str(row["id"]),
        "workflowName": row["workflow"],
        "status": row["status"],
        "progress": row["progress"],
        "createdAt": timestamp(row["created_at"]),
        "startedAt": timestamp(row["started_at"]),
        "completedAt": timestamp(row["completed_at"]),
        "durationMs": row["duration_ms"],
        "executedBy": row["executed_by"],
        "dryRun": bool(row["trigger"].get("dryRun")),
        "trigger": {key: row["trigger"].get(key) for key in TRIGGER_KEYS},
        "attempt": row["attempt"],
        "codeVersion": row["code_version"],
        "parentExecutionId": str(row["parent"]) if row["parent"] else None,
        "retryOf": str(row["retry_of"]) if row["retry_of"] else None,
        "continuedFrom": str(row["continued_from"]) if row["continued_from"] else None,
        "continuedAs": str(row["continued_as"]) if row["continued_as"] else None,
        "forkedFrom": row["trigger"].get("forkedFrom"),
    }


def log_document(event: Mapping[str, Any]) -> dict[str, Any]:
    """A log line. The journal keeps its level as the name, message and data as the data."""
    data = event["data"] or {}
    return {
        "timestamp": timestamp(event["at"]),
        "level": event["name"],
        "message": cut(data.get("message")),
        "data": shown(data.get("data")),
    }


def numbered_log_document(event: Mapping[str, Any]) -> dict[str, Any]:
    """A log line with the sequence number that pages go by."""
    return {"seq": event["seq"], **log_document(event)}


def journal_document(event: Mapping[str, Any], *, tracebacks: bool) -> dict[str, Any]:
    """Any line of the journal. An error's details keep their keys, since they name configs and roles, not secrets."""
    data = event["data"]
    if event["kind"] != "error":
        data = shown(data)
    elif not tracebacks:
        data = cut({key: value for key, value in (data or {}).items() if key != "traceback"})
    return {
        "seq": event["seq"],
        "timestamp": timestamp(event["at"]),
        "kind": event["kind"],
        "name": event["name"],
        "data": data,
    }


def snapshot_document(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"timestamp": timestamp(event["at"]), "name": event["name"], "data": shown(event["data"])}


def integration_call_document(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"timestamp": timestamp(event["at"]), **(shown(event["data"]) or {})}


def saga_step_document(event: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a saga's step; one that was undone has two such lines."""
    data = event["data"] or {}
    return {
        "timestamp": timestamp(event["at"]),
        "saga": data.get("saga"),
        "number": data.get("step"),
        "name": event["name"],
        "status": data.get("status"),
        "error": cut(data.get("error")),
    }


def progress_document(event: Mapping[str, Any], status: str) -> dict[str, Any]:
    """How far an execution of this status is, and about how many seconds of running time are left."""
    data = event["data"]
    left = progress.remaining(data, event["at"], status, datetime.now(UTC))
    return {
        "done": data["done"],
        "total": data["total"],
        "message": cut(data["message"]),
        "remainingSeconds": None if left is None else round(left, 1),
    }


def child_document(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"executionId": str(row["id"]), "workflowName": row["workflow"], "status": row["status"]}


def shown(value: Any) -> Any:
    """Redacted by key and cut. It was redacted when written, too; nothing here relies on that."""
    return cut(redact_keys(value))


def timestamp(moment: datetime | None) -> str | None:
    """UTC with milliseconds, such as 2026-01-31T09:00:00.000Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
