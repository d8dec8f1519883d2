"""The page of one request, its live part, and what one may do with it. A GET changes nothing."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from forms_app.portal.runs.asked import filled_with, prefilled
from forms_app.portal.runs.telling import tell
from forms_app.portal.runs.words import named
from forms_app.portal.visits import Visit, page
from orgs.permissions import SUBMIT_FORMS
from workflows_app import queries, sending
from workflows_app.errors import HasEnded, UnknownExecution
from workflows_app.models import TERMINAL, Status
from workflows_app.permissions import managed_filter, may_cancel

NUMBER = re.compile(r"[0-9]{1,9}")


@require_safe
@page()
def request_page(request: HttpRequest, visit: Visit, execution: UUID) -> HttpResponse:
    told = _told(visit, execution)
    if told["record"]["continuedAs"]:
        # It goes on as another one: that is what has become of the request.
        return HttpResponseRedirect(reverse("portal-request", args=[told["record"]["continuedAs"]]))
    live = f"{get_script_prefix()}live/executions/{execution}"
    return render(request, "portal/runs/request.html", {**told, **_offered(visit, told), "live": live})


@require_safe
@page()
def request_part(request: HttpRequest, visit: Visit, execution: UUID) -> HttpResponse:
    """What may have changed on the open page, and the log lines behind the number `after`."""
    given = request.GET.get("after", "0")
    told = _told(visit, execution, int(given) if NUMBER.fullmatch(given) else 0)
    answer = render(request, "portal/runs/part.html", {**told, **_offered(visit, told)})
    if told["record"]["continuedAs"]:
        answer["HX-Redirect"] = reverse("portal-request", args=[told["record"]["continuedAs"]])
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def cancel_request(request: HttpRequest, visit: Visit, execution: UUID) -> HttpResponse:
    """Asks first; only its POST cancels."""
    record = _record(visit, execution)
    if not may_cancel(visit.actor, record["executedBy"]):
        raise PermissionDenied
    back = HttpResponseRedirect(reverse("portal-request", args=[execution]))
    if record["status"] in TERMINAL:
        return back
    if request.method != "POST":
        filled = filled_with(visit.organization, execution)
        name = filled.name if filled else named(record["workflowName"])
        return render(request, "portal/runs/cancel.html", {"record": record, "name": name})
    try:
        status = sending.cancel(visit.organization, execution, visit.actor, managed_filter(visit.actor))
    except HasEnded:
        messages.info(request, _("It had ended already."))
    else:
        at_once = status == Status.CANCELLED
        messages.success(request, _("Cancelled.") if at_once else _("It is being cancelled."))
    return back


@require_safe
@page()
def request_again(request: HttpRequest, visit: Visit, execution: UUID) -> HttpResponse:
    """Leads to the form, filled in as it was; nothing is started."""
    record = _record(visit, execution, whole=True)
    filled = filled_with(visit.organization, execution)
    if filled is None or not visit.actor.can(SUBMIT_FORMS):
        raise Http404(queries.NO_EXECUTION)
    address = reverse("portal-form", args=[filled.slug])
    return HttpResponseRedirect(address + prefilled(filled, record["inputData"] or {}))


def _told(visit: Visit, execution: UUID, after: int = 0) -> dict[str, Any]:
    try:
        return tell(visit, execution, after)
    except UnknownExecution as missing:
        raise Http404(queries.NO_EXECUTION) from missing


def _record(visit: Visit, execution: UUID, *, whole: bool = False) -> dict[str, Any]:
    try:
        if whole:
            return queries.get_execution(visit.organization, execution, visit.owner, exact=False)
        return queries.get_summary(visit.organization, execution, visit.owner)
    except UnknownExecution as missing:
        raise Http404(queries.NO_EXECUTION) from missing


def _offered(visit: Visit, told: dict[str, Any]) -> dict[str, bool]:
    return {
        "may_cancel": not told["ended"] and may_cancel(visit.actor, told["by"]),
        "may_again": told["ended"] and told["filled"] is not None and visit.actor.can(SUBMIT_FORMS),
    }
