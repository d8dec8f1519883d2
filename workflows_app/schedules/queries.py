"""Schedules as the API and the pages show them: plain values, never querysets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bifrost.sdk.sanitizing import redact_keys
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.dispatch.cron_times import next_after, next_times
from workflows_app.dispatch.models import Schedule
from workflows_app.dispatch.schedules import database_time
from workflows_app.errors import UnknownSchedule
from workflows_app.models import ScheduleParameters, ScheduleRun
from workflows_app.schedules.enabling import crons
from workflows_app.schedules.settling import NO_SCHEDULE
from workflows_app.serializers import timestamp

PREVIEWED = 10
HISTORY = 50
_MOMENT = timedelta(microseconds=1)


def list_schedules(organization: OrganizationRecord) -> list[dict[str, Any]]:
    """The organization's schedules by workflow. One query."""
    with org_context(organization):
        rows = list(Schedule.objects.filter(organization=organization.id).order_by("workflow"))
    said = crons()
    return [_document(row, organization, said) for row in rows]


def get_schedule(organization: OrganizationRecord, workflow: str) -> dict[str, Any]:
    """One schedule with its next runs, its parameters and its history, the newest first. Raises UnknownSchedule."""
    if "\0" in workflow:
        raise UnknownSchedule(NO_SCHEDULE)
    with org_context(organization):
        row = Schedule.objects.filter(organization=organization.id, workflow=workflow).first()
        if row is None:
            raise UnknownSchedule(NO_SCHEDULE)
        columns = ("planned_at", "outcome", "reason", "execution", "recorded_at")
        runs = list(ScheduleRun.objects.filter(workflow=workflow).order_by("-planned_at").values(*columns)[:HISTORY])
        now = database_time()
    document = _document(row, organization, crons())
    coming = preview(document["cron"], document["timezone"], now, row.paused_until) if row.enabled else []
    history = [_run_document(run) for run in runs]
    kept = get_parameters(organization, workflow)
    return {**document, "preview": coming, "parameters": kept, "history": history}


def get_parameters(organization: OrganizationRecord, workflow: str) -> dict[str, Any]:
    """What the organization's schedule of the workflow gives it, redacted; nothing where it has none."""
    with org_context(organization):
        kept = ScheduleParameters.objects.filter(workflow=workflow).values_list("values", flat=True).first()
    # Not cut: whoever sends back what was read must not lose the end of a long text.
    return dict(redact_keys(kept or {}))


def preview(
    cron: str | None, zone: str, now: datetime, paused_until: datetime | None = None, count: int = PREVIEWED
) -> list[dict[str, str]]:
    """The next times at which it runs, in UTC and as its clock shows them; none for what is no cron expression."""
    after = max(now, paused_until - _MOMENT) if paused_until else now
    try:
        times = next_times(cron or "", zone, after, count)
        place = ZoneInfo(zone)
    except (ValueError, KeyError, OSError):
        return []
    return [{"at": timestamp(at) or "", "local": at.astimezone(place).isoformat()} for at in times]


def _document(row: Schedule, organization: OrganizationRecord, said: Mapping[str, str]) -> dict[str, Any]:
    """`cron` and `timezone` as they hold; `overrides` has what was set here, null for what comes from the workflow and
    the organization."""
    cron = row.cron or said.get(row.workflow) or row.effective.rpartition("|")[0]
    zone = row.timezone or organization.timezone
    return {
        "workflow": row.workflow,
        "enabled": row.enabled,
        "cron": cron or None,
        "timezone": zone,
        "overrides": {"cron": row.cron or None, "timezone": row.timezone or None},
        "overlap": row.overlap,
        "missed": row.missed,
        "pausedUntil": timestamp(row.paused_until),
        "nextRun": timestamp(_next_run(row)),
        "lastRun": timestamp(row.last_run),
        "problem": row.problem or None,
        "byAudience": row.by_audience,
    }


def _next_run(row: Schedule) -> datetime | None:
    """When it runs next: behind a pause, if it is paused."""
    if not row.enabled or row.next_run is None:
        return None
    until = row.paused_until
    if until is None or row.next_run >= until:
        return row.next_run
    cron, _, zone = row.effective.rpartition("|")
    try:
        return next_after(cron, zone, until.astimezone(UTC) - _MOMENT)
    except ValueError:
        return None


def _run_document(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "plannedAt": timestamp(run["planned_at"]),
        "outcome": run["outcome"],
        "reason": run["reason"] or None,
        "executionId": str(run["execution"]) if run["execution"] else None,
        "recordedAt": timestamp(run["recorded_at"]),
    }
