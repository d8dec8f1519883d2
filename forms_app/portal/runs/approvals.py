"""The inbox of approvals, and one approval with what may be edited before it is approved. A GET never decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bifrost.sdk.errors import PermissionError as NotPermitted
from bifrost.sdk.errors import ValidationError
from forms_app.labels import add_changed
from forms_app.portal.runs.asked import Filled, filled_with, given_values
from forms_app.portal.runs.deciding import Decision, as_form, changes_of, refused_as
from forms_app.portal.runs.listing import names_of
from forms_app.portal.runs.words import Badge, named, reference, told
from forms_app.portal.visits import Visit, cursor_of, page
from orgs.permissions import VIEW_EXECUTIONS
from orgs.tenancy import org_context
from workflows_app.approvals.deciding import NO_APPROVAL, decide
from workflows_app.approvals.inbox import Box, approvals_of, count_waiting, list_box
from workflows_app.approvals.queries import Found, find
from workflows_app.errors import AlreadyDecided, PlatformUnavailable, UnknownApproval
from workflows_app.inputs.pieces import options_piece
from workflows_app.serializers import shown

AT_ONCE = 25
NOT_DECIDED = gettext_lazy("It was not decided: something has to be corrected first.")
BOXES: Mapping[str, Any] = {
    Box.WAITING: gettext_lazy("Waiting for you"),
    Box.DECIDED: gettext_lazy("Decided"),
    Box.OWN: gettext_lazy("Asked by you"),
}
_STATES: Mapping[str, tuple[Any, str]] = {
    "pending": (gettext_lazy("Waiting"), "caution"),
    "approved": (gettext_lazy("Approved"), "good"),
    "rejected": (gettext_lazy("Not approved"), "alarm"),
    "expired": (gettext_lazy("Nobody decided in time"), "quiet"),
    "withdrawn": (gettext_lazy("Withdrawn"), "quiet"),
}


@require_safe
@page()
def approvals_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    given = request.GET.get("show", "")
    box = Box(given) if given in BOXES else Box.WAITING
    found = list_box(visit.organization, visit.actor, box, AT_ONCE, cursor_of(request))
    with org_context(visit.organization):
        names = names_of(UUID(approval["executionId"]) for approval in found["results"])
    context = {
        "box": box,
        "boxes": BOXES,
        "waiting": count_waiting(visit.organization, visit.actor),
        "approvals": [_shown(each, names.get(UUID(each["executionId"]))) for each in found["results"]],
        "next": f"?show={box}&cursor={found['next']}" if found["next"] else "",
    }
    return render(request, "portal/runs/approvals.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def approval_page(request: HttpRequest, visit: Visit, approval: UUID) -> HttpResponse:
    try:
        found, filled = _found(visit, approval)
    except UnknownApproval as missing:
        raise Http404(NO_APPROVAL) from missing
    changes = changes_of(visit, found, filled)
    if request.method != "POST":
        return _page(request, visit, found.document, filled, Decision.empty(changes))
    decision = Decision.of(changes, request.POST)
    if decision.pressed(request.POST, request.FILES):
        return _page(request, visit, found.document, filled, decision)
    problem, status = _decided(request, visit, found.document, decision)
    if not problem:
        return HttpResponseRedirect(reverse("portal-approval", args=[approval]))
    if status == AlreadyDecided.status_code:
        # Somebody was faster: what the page shows now is what that one decided.
        found, filled = _found(visit, approval)
    return _page(request, visit, found.document, filled, decision, problem=problem, status=status)


@require_POST
@page()
def approval_options(request: HttpRequest, visit: Visit, approval: UUID, field: str) -> HttpResponse:
    """The options of one field that may be changed, for what was changed so far."""
    try:
        changes = changes_of(visit, *_found(visit, approval))
    except UnknownApproval as missing:
        raise Http404(NO_APPROVAL) from missing
    if changes is None:
        raise Http404(NO_APPROVAL)
    url = changes.page.options_url
    return options_piece(request, changes.definition, field, changes.offer, zone=visit.zone, options_url=url)


def _found(visit: Visit, approval: UUID) -> tuple[Found, Filled | None]:
    """The approval, and the form that its execution was started with. Raises UnknownApproval."""
    found = find(visit.organization, approval, visit.actor)
    return found, filled_with(visit.organization, UUID(found.document["executionId"]))


def _decided(request: HttpRequest, visit: Visit, found: Mapping[str, Any], decision: Decision) -> tuple[str, int]:
    """What is wrong, and the status that says so; "" where it is decided, also where it was so by the same person."""
    approval, chosen = UUID(found["approvalId"]), decision.choice
    changed = None if chosen is False else decision.read(request.POST, request.FILES)
    if chosen is None:
        return _("Choose whether to approve it."), 400
    if changed and changed.wrong:
        return str(NOT_DECIDED), 400
    edits: dict[str, Any] = {"values": changed.values, "left_out": changed.left_out} if changed else {}
    try:
        decide(visit.organization, approval, visit.actor, approve=chosen, comment=decision.comment, **edits)
        if changed and found["kind"] == "start":
            secret = {field["name"] for field in found["form"]["fields"] if field["type"] == "secret"}
            add_changed(visit.organization, UUID(found["executionId"]), changed, secret)
    except ValidationError as invalid:
        decision.refuse(invalid)
        return str(NOT_DECIDED), 400
    except AlreadyDecided as late:
        return ("", 200) if _was_this(visit, approval, chosen) else (refused_as(late), late.status_code)
    except (NotPermitted, PlatformUnavailable) as refused:
        return refused_as(refused), 503 if isinstance(refused, PlatformUnavailable) else 403
    return "", 200


def _was_this(visit: Visit, approval: UUID, approve: bool) -> bool:
    """Whether the same person has decided the same: a second click, or the page sent again."""
    found = find(visit.organization, approval, visit.actor).document
    same = _is_visitor(visit, found["decidedBy"])
    return same and bool(found["state"] == ("approved" if approve else "rejected"))


def _page(
    request: HttpRequest,
    visit: Visit,
    found: Mapping[str, Any],
    filled: Filled | None,
    decision: Decision,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    execution = UUID(found["executionId"])
    others = [each for each in approvals_of(visit.organization, [execution], visit.actor) if each["decidedAt"]]
    is_start = found["kind"] == "start"
    approved = {**found["inputData"], **(shown(found["values"]) or {})} if is_start else None
    own = _is_visitor(visit, found["requestedBy"])
    context = {
        "approval": _shown(found, filled.name if filled else None),
        "told": told(found["told"]) if found["told"] else "",
        "given": given_values(filled, found["inputData"], approved, also_hidden=not own),
        "answered": [] if is_start else given_values(as_form(found), found["values"] or {}, also_hidden=True),
        "decision": decision,
        "problem": problem,
        "history": [_shown(each, None) for each in others if each["approvalId"] != found["approvalId"]],
        "may_decide": found["canDecide"],
        "own": own,
        "execution": execution if own or visit.actor.can(VIEW_EXECUTIONS) else None,
        "reference": reference(execution),
    }
    return render(request, "portal/runs/approval.html", context, status=status)


def _is_visitor(visit: Visit, somebody: Mapping[str, Any] | None) -> bool:
    return somebody is not None and (somebody.get("kind"), somebody.get("id")) == (visit.actor.kind, visit.actor.id)


def _shown(approval: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """An approval for a page. One of a start bears the name of its form, one in the middle what its author says."""
    word, tone = _STATES[approval["state"]]
    process = name or named(approval["workflowName"])
    times = {key: parse_datetime(approval[key] or "") for key in ("createdAt", "expiresAt", "decidedAt")}
    is_start = approval["kind"] == "start"
    title = process if is_start else approval["title"]
    return {**approval, **times, "title": title, "process": process, "badge": Badge(str(word), tone), "start": is_start}
