"""The notes to this person. They are read by a POST, never by looking."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from forms_app.portal.runs.listing import names_of
from forms_app.portal.runs.words import named
from forms_app.portal.visits import Visit, cursor_of, page
from orgs.tenancy import org_context
from workflows_app.alerts import queries
from workflows_app.alerts.notices import NO_NOTICE, mark_all_read, mark_read
from workflows_app.errors import UnknownNotice

AT_ONCE = 25


@require_safe
@page()
def notices_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    unread = request.GET.get("show") == "new"
    found = queries.list_notices(visit.organization, visit.actor, AT_ONCE, cursor_of(request), unread=unread)
    about = {UUID(each["executionId"]) for each in found["results"] if each["executionId"]}
    with org_context(visit.organization):
        names = names_of(about)
    notices = [
        {
            **notice,
            "created": parse_datetime(notice["createdAt"]),
            "new": notice["readAt"] is None,
            "process": names.get(UUID(notice["executionId"])) if notice["executionId"] else None,
            "workflow": named(notice["workflowName"] or ""),
        }
        for notice in found["results"]
    ]
    narrowed = "show=new&" if unread else ""
    context = {
        "notices": notices,
        "unread": unread,
        "any_new": queries.count_unread(visit.organization, visit.actor) > 0,
        "next": f"?{narrowed}cursor={found['next']}" if found["next"] else "",
    }
    return render(request, "portal/runs/notices.html", context)


@require_POST
@page()
def read_notice(request: HttpRequest, visit: Visit, notice: UUID) -> HttpResponse:
    try:
        mark_read(visit.organization, notice, visit.actor)
    except UnknownNotice as missing:
        raise Http404(NO_NOTICE) from missing
    return HttpResponseRedirect(reverse("portal-notices"))


@require_POST
@page()
def read_notices(request: HttpRequest, visit: Visit) -> HttpResponse:
    mark_all_read(visit.organization, visit.actor)
    return HttpResponseRedirect(reverse("portal-notices"))
