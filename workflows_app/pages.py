"""The staff's page about the workspace: what does not load, and which workflows there are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.resolver import resolve
from orgs.sites import staff_site
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow, categories
from workflows_app.permissions import may_see_tracebacks


@require_safe
def show_workflows(request: HttpRequest) -> HttpResponse:
    """For those whom the staff's site has let in. Raises PermissionDenied where they may not see organizations."""
    actor = resolve(request).actor
    if not actor.can(VIEW_ORGANIZATIONS):
        raise PermissionDenied
    found = catalog.current()
    context = {
        **staff_site.each_context(request),
        "title": "Workflows",
        "problems": found.problems,
        "warnings": found.warnings,
        "tracebacks": may_see_tracebacks(actor),
        "categories": by_category(found.workflows.values()),
        "data_providers": sorted(found.data_providers.values(), key=lambda loaded: loaded.spec.name),
        "version": found.version,
    }
    return TemplateResponse(request, "workflows_app/workflows.html", context)


def by_category(workflows: Iterable[LoadedWorkflow]) -> list[dict[str, Any]]:
    """Categories in their order, each with its workflows by name."""
    ordered = sorted(workflows, key=lambda loaded: (categories.order(loaded.spec.category), loaded.spec.name))
    return [
        {"label": categories.label(category), "workflows": list(group)}
        for category, group in groupby(ordered, key=lambda loaded: loaded.spec.category)
    ]
