"""An execution with its whole journal: as a document that can be kept in a file, and as what a replay runs against.

The document holds what is stored to be shown: redacted, never exact. A replay of the execution itself opens what is
encrypted, one of a file gets by without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q

from bifrost.sdk.sanitizing import redact_keys
from integrations import configs
from integrations.configs import ConfigSnapshot
from integrations.sealing import unseal
from orgs.permissions import EVERYTHING
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.catalog import LoadedWorkflow
from workflows_app.engine import earlier
from workflows_app.engine.facts import Facts
from workflows_app.engine.history import Line, history_of
from workflows_app.engine.recorded import last_attempt
from workflows_app.engine.replaying import Recorded
from workflows_app.errors import UnknownExecution
from workflows_app.models import Execution, ExecutionEvent
from workflows_app.sending import NO_EXECUTION
from workflows_app.serializers import timestamp

FORMAT = "bifrost-history-1"


class BadHistory(Exception):
    """The file is no history of an execution."""


def document_of(organization: OrganizationRecord, execution: UUID) -> dict[str, Any]:
    """The execution and every line of its journal, redacted as they are stored, and not cut. Two queries.

    Raises UnknownExecution.
    """
    with org_context(organization):
        row = _row(execution)
        lines = list(_lines(execution))
    given, sealed = row.ran_input
    return {
        "format": FORMAT,
        "executionId": str(row.id),
        "workflowName": row.workflow,
        "status": row.status,
        "attempt": row.attempt,
        "organization": {
            "orgId": organization.org_id,
            "name": organization.name,
            "tenantId": organization.tenant_id or None,
        },
        "executedBy": row.executed_by,
        "trigger": row.trigger,
        "codeVersion": row.code_version,
        "parentExecutionId": str(row.parent) if row.parent else None,
        "createdAt": timestamp(row.created_at),
        "startedAt": timestamp(row.started_at),
        "completedAt": timestamp(row.completed_at),
        "durationMs": row.duration_ms,
        "inputData": redact_keys(given),
        "inputRedacted": sealed is not None,
        "result": redact_keys(row.result),
        "error": row.error,
        "lines": [_line_document(line) for line in lines],
    }


def lines_of(document: Mapping[str, Any]) -> list[Line]:
    """The journal of such a document."""
    return [
        Line(line["seq"], line["kind"], line["name"], line["path"], line["number"], line["data"])
        for line in document["lines"]
    ]


def read_document(text: str) -> dict[str, Any]:
    """What `document_of` gave, from a file. Raises BadHistory."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadHistory(f"This is no JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadHistory(f"This is no history that manage.py history --density json wrote: its format is not {FORMAT}.")
    return document


def recorded_execution(organization: OrganizationRecord, execution: UUID, loaded: LoadedWorkflow) -> Recorded:
    """The execution for a replay by this code, with its exact values. Raises UnknownExecution, and VaultUnavailable
    where one is encrypted and the vault is away."""
    with org_context(organization):
        row = _row(execution)
    rows = earlier.journals(organization, [execution]).get(execution, [])
    attempt = last_attempt(
        [
            Line(seq, kind, name, path, number, json.loads(data or "null"))
            for seq, kind, name, path, number, data, _exact in rows
            if kind == "status"
        ]
    )
    given, sealed_input = row.ran_input
    parameters = given if sealed_input is None else unseal(organization, sealed_input)
    facts = Facts(
        id=row.id,
        organization=organization,
        loaded=loaded,
        parameters=parameters,
        actor=_actor(row.executed_by),
        trigger=row.trigger,
        parent=row.parent,
        depth=row.depth,
        attempt=attempt,
    )
    history = earlier.recalled(organization, rows, attempt)
    sealed = [line[0] for line in rows if line[-1] is not None]
    snapshot = configs.snapshot(organization)
    return Recorded(facts, history, row.status, row.error, snapshot, sealed_from=min(sealed, default=None))


def recorded_document(document: Mapping[str, Any], loaded: LoadedWorkflow) -> Recorded:
    """The execution of a file for a replay by this code. Raises BadHistory where a part is missing."""
    try:
        lines, organization = lines_of(document), document["organization"]
        attempt = last_attempt(lines)
        facts = Facts(
            id=UUID(document["executionId"]),
            organization=_organization(organization["orgId"], organization["name"], organization["tenantId"]),
            loaded=loaded,
            parameters=document["inputData"],
            actor=_actor(document["executedBy"]),
            trigger=document["trigger"],
            attempt=attempt,
        )
        redacted = [line["seq"] for line in document["lines"] if line.get("redacted")]
        redacted += [0] if document["inputRedacted"] else []
        nothing = ConfigSnapshot(0, 0, ())
        history = history_of(lines, attempt)
        return Recorded(
            facts, history, document["status"], document["error"], nothing, min(redacted) if redacted else None
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadHistory(f"This history lacks what a replay needs: {error!r}.") from error


def _row(execution: UUID) -> Execution:
    row = Execution.objects.defer("result_sealed").filter(id=execution).first()
    if row is None:
        raise UnknownExecution(NO_EXECUTION)
    return row


def _lines(execution: UUID) -> Any:
    sealed = ExpressionWrapper(Q(exact__isnull=False), output_field=BooleanField())
    events = ExecutionEvent.objects.filter(execution=execution).order_by("seq").annotate(sealed=sealed)
    return events.values("seq", "at", "kind", "name", "path", "number", "data", "sealed")


def _line_document(line: Mapping[str, Any]) -> dict[str, Any]:
    """`redacted`: its exact value is kept encrypted, and is not here."""
    # An error's details name configs and roles; redacting those by key would hide what the documents promise.
    data = line["data"] if line["kind"] == "error" else redact_keys(line["data"])
    return {
        "seq": line["seq"],
        "timestamp": timestamp(line["at"]),
        "kind": line["kind"],
        "name": line["name"],
        "path": line["path"],
        "number": line["number"],
        "data": data,
        **({"redacted": True} if line["sealed"] else {}),
    }


def _actor(by: Mapping[str, Any]) -> Actor:
    """As it was; what it was allowed was checked then."""
    return Actor(by["kind"], by["id"], by["email"], by["name"], frozenset({EVERYTHING}))


def _organization(org_id: str, name: str, tenant_id: str | None) -> OrganizationRecord:
    return OrganizationRecord(UUID(int=0), org_id, name, "", "active", False, tenant_id or "", "UTC", ())
