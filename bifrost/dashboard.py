"""The staff's first page: the organizations of the person's scope, what runs in them and what failed lately."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone

from orgs.admin import scope_of
from orgs.models import Organization
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.sites import access_of, organization_page
from workflows_app import catalog
from workflows_app.alerts.admin import SEVERITIES
from workflows_app.dispatch.durations import in_words
from workflows_app.dispatch.models import Dispatch, Fleet, OpenAlert, Schedule, Worker
from workflows_app.dispatch.workers import ALIVE
from workflows_app.models import Status

LATELY = timedelta(hours=24)
NOTHING: Mapping[str, Any] = {"queued": 0, "running": 0, "approvals": 0, "oldest": None}
SHOWN = 20


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK: the context of the page `admin/index.html`. Seven queries, however many rows."""
    access = access_of(request)
    if access is None or not access.actor.can(VIEW_ORGANIZATIONS):
        return context
    covered = scope_of(request).organizations()
    waiting, failed = _waiting(covered), _failed(covered)
    rows = [
        {**row, **waiting.get(row["id"], NOTHING), "failed": failed.get(row["id"], 0)}
        for row in covered.values("id", "org_id", "name", "status")
    ]
    alerts = _covered(OpenAlert.objects.all(), covered)
    shown = sorted(rows, key=lambda row: (-row["failed"], row["name"].casefold()))[:SHOWN]
    oldest = max((row["oldest"] for row in rows if row["oldest"] is not None), default=None)
    return {
        **context,
        "figures": {name: sum(row[name] for row in rows) for name in ("queued", "running", "approvals", "failed")},
        "oldest": in_words(oldest) if oldest is not None else "",
        "workers": Worker.objects.filter(kind="worker", beat_at__gt=Now() - ALIVE).count(),
        "schedules": _covered(Schedule.objects.filter(enabled=True).exclude(problem=""), covered).count(),
        "problems": len(catalog.current().broken_files),
        "alerts": _alerts(alerts, {row["id"]: row for row in rows}),
        "alert_count": alerts.count(),
        "organizations": [{**row, **_links(row["org_id"])} for row in shown],
        "count": len(rows),
    }


def _waiting(covered: QuerySet[Organization]) -> Mapping[UUID, Mapping[str, Any]]:
    """How many executions of each covered organization wait for a worker, run, and wait for an approval; and how long
    the first of those that wait for a worker has done so."""
    queued = Q(status=Status.QUEUED)
    age = ExpressionWrapper(Now() - F("queued_at"), DurationField())
    counted = (
        _covered(Dispatch.objects.all(), covered)
        .values("organization")
        .annotate(
            queued=Count("execution", filter=queued),
            running=Count("execution", filter=Q(status=Status.RUNNING)),
            approvals=Count("execution", filter=Q(status=Status.PENDING_APPROVAL)),
            oldest=Max(age, filter=queued),
        )
    )
    return {row["organization"]: row for row in counted}


def _failed(covered: QuerySet[Organization]) -> Mapping[UUID, int]:
    """How many executions of each covered organization have failed lately."""
    lately = Fleet.objects.filter(status=Status.FAILED, finished_at__gte=timezone.now() - LATELY)
    return dict(_covered(lately, covered).values_list("organization").annotate(Count("execution")))


def _alerts(alerts: QuerySet[OpenAlert], rows: Mapping[UUID, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The newest open alerts, each with the organization that it is of and a link to what it says."""
    found = alerts.filter(organization__in=list(rows)).order_by("-raised_at", "-alert")[:SHOWN]
    return [
        {
            "kind": alert.kind,
            "severity": alert.severity,
            "label": SEVERITIES.get(alert.severity, "info"),
            "raised_at": alert.raised_at,
            "organization": (row := rows[alert.organization]),
            "page": organization_page(row["org_id"], "admin:workflows_app_alert_change", alert.alert),
        }
        for alert in found
    ]


def _covered(rows: QuerySet[Any], covered: QuerySet[Organization]) -> QuerySet[Any]:
    return rows.filter(organization__in=covered.order_by().values("id"))


def _links(org_id: str) -> dict[str, str]:
    executions = organization_page(org_id, "admin:workflows_app_execution_changelist")
    return {
        "executions": executions,
        "queue": f"{executions}?status={Status.QUEUED}",
        "failures": f"{executions}?status={Status.FAILED}",
        "configs": organization_page(org_id, "admin:integrations_config_changelist"),
    }
