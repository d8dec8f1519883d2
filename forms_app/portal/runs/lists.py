"""The lists of requests: one's own, and the organization's for those who may see them."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from forms_app.portal.runs.listing import GROUPS, LONGEST_TEXT, Narrowed, list_requests
from forms_app.portal.visits import Visit, cursor_of, page
from orgs.permissions import VIEW_EXECUTIONS
from workflows_app.actors import actor_key


@require_safe
@page()
def own_requests(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What this person has asked for."""
    return _list(request, visit, _("My requests"), "portal-requests", actor_key(visit.actor))


@require_safe
@page()
def all_requests(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What anybody in the organization has asked for."""
    if not visit.actor.can(VIEW_EXECUTIONS):
        raise PermissionDenied
    return _list(request, visit, _("All requests"), "portal-all-requests", None)


def _list(request: HttpRequest, visit: Visit, heading: str, route: str, owner: str | None) -> HttpResponse:
    given = request.GET.get("status", "")
    group = given if given in GROUPS else ""
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    cursor = cursor_of(request)
    found = list_requests(visit.organization, Narrowed(owner, group, text), cursor)
    chosen = {name: value for name, value in (("status", group), ("q", text)) if value}
    context = {
        "heading": heading,
        "route": route,
        "requests": found["results"],
        "everybody": owner is None,
        "sees_all": visit.actor.can(VIEW_EXECUTIONS),
        "groups": GROUPS,
        "group": group,
        "text": text,
        "first": f"{reverse(route)}?{urlencode(chosen)}" if cursor else "",
        "next": f"?{urlencode({**chosen, 'cursor': found['next']})}" if found["next"] else "",
    }
    return render(request, "portal/runs/requests.html", context)
