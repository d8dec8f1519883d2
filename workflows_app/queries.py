"""What the API reads, as plain values. Each function names its organization and returns data, never querysets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from bifrost.sdk.sanitizing import cut
from bifrost.sdk.specs import WorkflowSpec
from integrations import sealing
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog
from workflows_app.cards import read_cards
from workflows_app.errors import UnknownExecution
from workflows_app.integration_calls import each_once
from workflows_app.models import TERMINAL, Execution, ExecutionEvent
from workflows_app.serializers import (
    child_document,
    integration_call_document,
    journal_document,
    log_document,
    numbered_log_document,
    progress_document,
    saga_step_document,
    shown,
    snapshot_document,
    summary_document,
    workflow_document,
)
from workflows_app.waiting import waits_for

SHOWN = 100  # of each list in a record; the rest is in /logs and /journal
# Ids are made by the web process's clock, times by the database's: how far the two may be apart.
CLOCK_SKEW_MS = 3_600_000
NO_EXECUTION = "There is no such execution."

SUMMARY_COLUMNS = (
    "id",
    "workflow",
    "status",
    "progress",
    "attempt",
    "trigger",
    "executed_by",
    "code_version",
    "parent",
    "retry_of",
    "continued_from",
    "continued_as",
    "created_at",
    "started_at",
    "completed_at",
    "duration_ms",
)
EVENT_COLUMNS = ("seq", "at", "kind", "name", "data")
RECORD_COLUMNS = (*SUMMARY_COLUMNS, "input", "approved_input", "result", "result_sealed", "error", "variables")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of executions is narrowed to. `owner`: the actor of those who see only their own."""

    status: str | None = None
    workflow: str | None = None
    since: datetime | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a journal: at most `limit` lines after the one with the number `after`."""

    after: int
    limit: int

    def of(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """The answer for lines of which one more than fits was asked for."""
        kept = lines[: self.limit]
        return {"results": kept, "next": kept[-1]["seq"] if len(lines) > self.limit else None}


# --- Workflows -----------------------------------------------------------------------------------------------------


def list_workflows(
    category: str | None = None, tag: str | None = None, text: str | None = None
) -> list[dict[str, Any]]:
    """All workflows of the catalog by name. `text` is looked for in name, description and tags, without case."""
    return [
        workflow_document(loaded)
        for _, loaded in sorted(catalog.current().workflows.items())
        if _matches(loaded.spec, category, tag, text)
    ]


def get_workflow(name: str) -> dict[str, Any]:
    """One workflow. Raises UnknownWorkflow."""
    return workflow_document(catalog.find(name))


def _matches(spec: WorkflowSpec, category: str | None, tag: str | None, text: str | None) -> bool:
    if category is not None and spec.category != category:
        return False
    if tag is not None and tag not in spec.tags:
        return False
    return text is None or any(text.casefold() in part.casefold() for part in (spec.name, spec.description, *spec.tags))


# --- Executions ----------------------------------------------------------------------------------------------------


def list_executions(
    organization: OrganizationRecord, filters: Filters, limit: int, cursor: UUID | None = None
) -> dict[str, Any]:
    """A page of executions, newest first, and the cursor of the next one. One query."""
    with org_context(organization):
        rows = list(_narrowed(filters, cursor).values(*SUMMARY_COLUMNS)[: limit + 1])
    page = rows[:limit]
    following = str(page[-1]["id"]) if len(rows) > limit else None
    return {"results": [summary_document(row) for row in page], "next": following}


def _narrowed(filters: Filters, cursor: UUID | None) -> QuerySet[Execution]:
    rows = Execution.objects.order_by("-id")
    if cursor is not None:
        rows = rows.filter(id__lt=cursor)
    if filters.status is not None:
        rows = rows.filter(status=filters.status)
    if filters.workflow is not None:
        rows = rows.filter(workflow=filters.workflow)
    if filters.owner is not None:
        rows = rows.filter(actor=filters.owner)
    if filters.since is not None:
        rows = created_since(rows, filters.since)
    return rows


def created_since(rows: QuerySet[Execution], moment: datetime) -> QuerySet[Execution]:
    """Those of the executions that were created then or later."""
    # The first condition lets the primary key stop the scan, the second is exact.
    return rows.filter(id__gte=_earliest_id(moment), created_at__gte=moment)


def _earliest_id(moment: datetime) -> UUID:
    """No id of an execution that was created then or later is smaller: the id begins with its time in milliseconds."""
    milliseconds = max(0, int(moment.timestamp() * 1000) - CLOCK_SKEW_MS)
    return UUID(int=milliseconds << 80)


def get_execution(
    organization: OrganizationRecord, execution_id: UUID, owner: str | None = None, *, exact: bool = True
) -> dict[str, Any]:
    """The whole record; its result redacted and cut like all else unless `exact`. Four queries, five while it runs,
    one more where it shows result cards or has told of its progress, a few more while it waits.

    Raises UnknownExecution, also for another person's where `owner` is given, and VaultUnavailable where the exact
    result is sealed and cannot be opened.
    """
    with org_context(organization):
        row = _row(execution_id, owner, RECORD_COLUMNS)
        events = _first_events(execution_id, ("checkpoint", "integration_call", "log", "saga"))
        # Of those that went on one after the other, the last.
        rows = Execution.objects.filter(parent=execution_id, continued_as__isnull=True).order_by("id")
        children = list(rows.values("id", "workflow", "status")[: SHOWN + 1])
        variables = row["variables"] if row["status"] in TERMINAL else _variables_so_far(execution_id)
        cards = read_cards(execution_id)
        progress = None if row["progress"] is None else _last_progress(execution_id)
    lists = {
        "stateSnapshots": [snapshot_document(event) for event in events["checkpoint"]],
        "integrationCalls": each_once(integration_call_document(event) for event in events["integration_call"]),
        "sagaSteps": [saga_step_document(event) for event in events["saga"]],
        "logs": [log_document(event) for event in events["log"]],
        "children": [child_document(child) for child in children],
        "resultCards": cards,
    }
    return {
        **summary_document(row),
        "inputData": shown(row["input"]),
        "approvedInput": shown(row["approved_input"]),
        "result": _exact_result(organization, row) if exact else shown(row["result"]),
        "error": cut(row["error"]),
        "variables": shown(variables or {}),
        "progressDetail": progress and progress_document(progress, row["status"]),
        "waitingFor": waits_for(organization, execution_id, row["status"]),
        **{name: entries[:SHOWN] for name, entries in lists.items()},
        "truncated": [name for name, entries in lists.items() if len(entries) > SHOWN],
    }


def get_summary(organization: OrganizationRecord, execution_id: UUID, owner: str | None = None) -> dict[str, Any]:
    """An execution as lists show it. One query. Raises UnknownExecution, also for another person's where `owner` is
    given."""
    with org_context(organization):
        return summary_document(_row(execution_id, owner, SUMMARY_COLUMNS))


def _row(execution_id: UUID, owner: str | None, columns: Iterable[str]) -> dict[str, Any]:
    rows = Execution.objects.filter(id=execution_id)
    if owner is not None:
        rows = rows.filter(actor=owner)
    row: dict[str, Any] | None = rows.values(*columns).first()
    if row is None:
        raise UnknownExecution(NO_EXECUTION)
    return row


def _variables_so_far(execution_id: UUID) -> dict[str, Any]:
    """The last value of each variable; the row itself gets them when the execution ends."""
    events = ExecutionEvent.objects.filter(execution=execution_id, kind="variable")
    return dict(events.order_by("name", "-seq").distinct("name").values_list("name", "data"))


def _last_progress(execution_id: UUID) -> dict[str, Any] | None:
    events = ExecutionEvent.objects.filter(execution=execution_id, kind="progress")
    last: dict[str, Any] | None = events.order_by("-seq").values(*EVENT_COLUMNS).first()
    return last


def _first_events(execution_id: UUID, kinds: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """The first lines of each kind, one more than is shown, in one query whose cost the limits bound."""
    first, *others = (
        ExecutionEvent.objects.filter(execution=execution_id, kind=kind)
        .order_by("seq")
        .values(*EVENT_COLUMNS)[: SHOWN + 1]
        for kind in kinds
    )
    events: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for event in sorted(first.union(*others, all=True), key=lambda event: int(event["seq"])):
        events[event["kind"]].append(event)
    return events


def list_logs(
    organization: OrganizationRecord, execution_id: UUID, page: Page, owner: str | None = None
) -> dict[str, Any]:
    """Log lines in their order. Two queries. Raises UnknownExecution."""
    with org_context(organization):
        events = _lines(execution_id, page, owner, kind="log")
    return page.of([numbered_log_document(event) for event in events])


def last_logs(
    organization: OrganizationRecord, execution_id: UUID, after: int, limit: int, owner: str | None = None
) -> list[dict[str, Any]]:
    """The last log lines behind the one with the number `after`, in their order. Two queries. Raises
    UnknownExecution."""
    with org_context(organization):
        _row(execution_id, owner, ("id",))
        events = ExecutionEvent.objects.filter(execution=execution_id, seq__gt=after, kind="log").order_by("-seq")
        found = list(events.values(*EVENT_COLUMNS)[:limit])
    return [numbered_log_document(event) for event in reversed(found)]


def list_journal(
    organization: OrganizationRecord,
    execution_id: UUID,
    page: Page,
    owner: str | None = None,
    *,
    tracebacks: bool = False,
) -> dict[str, Any]:
    """The whole journal in its order. Without `tracebacks` an error's line has none. Raises UnknownExecution."""
    with org_context(organization):
        events = _lines(execution_id, page, owner)
    return page.of([journal_document(event, tracebacks=tracebacks) for event in events])


def _lines(execution_id: UUID, page: Page, owner: str | None, **narrowed: str) -> list[dict[str, Any]]:
    _row(execution_id, owner, ("id",))
    events = ExecutionEvent.objects.filter(execution=execution_id, seq__gt=page.after, **narrowed).order_by("seq")
    return list(events.values(*EVENT_COLUMNS)[: page.limit + 1])


def _exact_result(organization: OrganizationRecord, row: dict[str, Any]) -> Any:
    if row["result_sealed"] is None:
        return row["result"]
    return sealing.unseal(organization, bytes(row["result_sealed"]))
