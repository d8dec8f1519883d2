"""The staff's first page: the organizations of the person's scope, what runs in them and what failed lately."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from orgs.admin import scope_of
from orgs.models import Organization
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.sites import access_of, organization_page
from workflows_app import catalog
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.models import Status

LATELY = timedelta(hours=24)
SHOWN = 20


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK: the context of the page `admin/index.html`. Three queries, however many rows."""
    access = access_of(request)
    if access is None or not access.actor.can(VIEW_ORGANIZATIONS):
        return context
    covered = scope_of(request).organizations()
    running = _count(Dispatch.objects.filter(status=Status.RUNNING), covered)
    failed = _count(Fleet.objects.filter(status=Status.FAILED, finished_at__gte=timezone.now() - LATELY), covered)
    rows = [
        {**row, "running": running.get(row["id"], 0), "failed": failed.get(row["id"], 0)}
        for row in covered.values("id", "org_id", "name", "status")
    ]
    shown = sorted(rows, key=lambda row: (-row["failed"], row["name"].casefold()))[:SHOWN]
    return {
        **context,
        "figures": {name: sum(row[name] for row in rows) for name in ("running", "failed")},
        "problems": len(catalog.current().broken_files),
        "organizations": [{**row, **_links(row["org_id"])} for row in shown],
        "count": len(rows),
    }


def _count(rows: QuerySet[Any], covered: QuerySet[Organization]) -> Mapping[UUID, int]:
    """How many of the rows each covered organization has."""
    mine = rows.filter(organization__in=covered.order_by().values("id"))
    return dict(mine.values_list("organization").annotate(Count("execution")))


def _links(org_id: str) -> dict[str, str]:
    executions = organization_page(org_id, "admin:workflows_app_execution_changelist")
    return {
        "executions": executions,
        "failures": f"{executions}?status__exact={Status.FAILED}",
        "configs": organization_page(org_id, "admin:integrations_config_changelist"),
    }
