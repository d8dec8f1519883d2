"""The staff's inbox of one organization's approvals. A page shows; only its POST form decides."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from bifrost.sdk.errors import PermissionError, ValidationError
from orgs.permissions import VIEW_EXECUTIONS
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, organization_site
from workflows_app.approvals import queries
from workflows_app.approvals.deciding import decide
from workflows_app.approvals.forms import DecisionForm
from workflows_app.approvals.queries import Found
from workflows_app.errors import AlreadyDecided, PlatformUnavailable, UnknownApproval
from workflows_app.inputs.amending import Changes, Page
from workflows_app.inputs.rendering import Asked
from workflows_app.models import Approval
from workflows_app.permissions import require_organization
from workflows_app.timeline import pretty

State = Approval.State
WRONG = "It was not decided: something has to be corrected first."
LABELS = {
    State.PENDING: "info",
    State.APPROVED: "success",
    State.REJECTED: "danger",
    State.EXPIRED: "warning",
    State.WITHDRAWN: "warning",
}
PENDING_FIRST = Case(When(state=State.PENDING, then=Value(0)), default=Value(1))


@admin.register(Approval, site=organization_site)
class ApprovalAdmin(OrganizationModelAdmin):
    """What waits stands first."""

    view_permission = VIEW_EXECUTIONS
    list_display: ClassVar = ["title", "shown_state", "requester_name", "created_at", "expires_at", "decider_name"]
    list_filter: ClassVar = ["state"]
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."
    ordering: ClassVar = [PENDING_FIRST.asc(), "-id"]
    sortable_by: ClassVar[list[str]] = []
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        columns = ("id", "title", "state", "requested_by", "created_at", "expires_at", "decided_by")
        rows: QuerySet[Approval] = super().get_queryset(request).only(*columns)
        return rows

    def get_urls(self) -> list[URLPattern]:
        decision = self.admin_site.admin_view(require_POST(self.decision_view))
        mine = path("<uuid:approval_id>/decide/", decision, name="workflows_app_approval_decide")
        return [mine, *super().get_urls()]

    @display(description="State", label=LABELS)  # type: ignore[untyped-decorator]
    def shown_state(self, approval: Approval) -> str:
        return approval.state

    @admin.display(description="Requested by")
    def requester_name(self, approval: Approval) -> str:
        return str(approval.requested_by["name"])

    @admin.display(description="Decided by")
    def decider_name(self, approval: Approval) -> str:
        return str((approval.decided_by or {}).get("name", ""))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self._found(request, object_id)
        changes = _changes(request, found)
        return self._page(request, found.document, DecisionForm(), changes.begin() if changes else None)

    def _found(self, request: HttpRequest, object_id: str) -> Found:
        access = resolve(request)
        try:
            organization = require_organization(access)
            return queries.find(organization, UUID(object_id), access.actor, of_anyone=True)
        except (ValueError, UnknownApproval) as missing:
            raise Http404("There is no such approval.") from missing

    def _page(
        self, request: HttpRequest, approval: dict[str, Any], form: DecisionForm, asked: Asked | None
    ) -> HttpResponse:
        times = {name: parse_datetime(approval[name] or "") for name in ("createdAt", "expiresAt", "decidedAt")}
        context = {
            **self.admin_site.each_context(request),
            "title": approval["title"],
            "model_admin": self,
            "approval": {**approval, **times},
            "label": LABELS[approval["state"]],
            "input": pretty(approval["inputData"]) if approval["inputData"] else "",
            "values": pretty(approval["values"]) if approval["values"] else "",
            "form": form,
            "asked": asked,
        }
        return TemplateResponse(request, "workflows_app/approval.html", context)

    def decision_view(self, request: HttpRequest, approval_id: UUID) -> HttpResponse:
        """Takes the form of `change_view`, and leads back to it; values that are wrong are shown there again."""
        form = DecisionForm(request.POST)
        found = self._found(request, str(approval_id))
        changes = _changes(request, found)
        pressed = changes.again(request.POST, request.FILES) if changes else None
        if pressed:
            return self._page(request, found.document, form, pressed)
        if form.is_valid():
            again = self._decide(request, found, form, changes)
            if again is not None:
                return self._page(request, found.document, form, again)
        else:
            self.message_user(request, "The form is incomplete or its comment too long.", messages.ERROR)
        return HttpResponseRedirect(
            reverse("admin:workflows_app_approval_change", args=[approval_id], current_app=self.admin_site.name)
        )

    def _decide(self, request: HttpRequest, found: Found, form: DecisionForm, changes: Changes | None) -> Asked | None:
        """The values again where something is wrong with them; else the person is told what has become of it."""
        access, approval = resolve(request), found.document
        approve, comment = form.cleaned_data["decision"] == "approve", form.cleaned_data["comment"]
        changed = changes.read(request.POST, request.FILES) if changes and approve else None
        if changed and changed.wrong:
            self.message_user(request, WRONG, messages.ERROR)
            return changed.asked
        edits: dict[str, Any] = {"values": changed.values, "left_out": changed.left_out} if changed else {}
        organization, id_ = require_organization(access), UUID(approval["approvalId"])
        try:
            decide(organization, id_, access.actor, approve=approve, comment=comment, **edits)
            self.message_user(request, _said(approval, approve=approve))
        except ValidationError as invalid:
            self.message_user(request, invalid.message, messages.ERROR)
            return changes.refused(changed.asked, invalid) if changes and changed else None
        except (AlreadyDecided, PermissionError, PlatformUnavailable) as refused:
            self.message_user(request, refused.message, messages.ERROR)
        return None


def _changes(request: HttpRequest, found: Found) -> Changes | None:
    """What whoever looks may change; times are told in UTC, as on all pages of the staff."""
    if found.definition is None or not found.document["canDecide"]:
        return None
    access = resolve(request)
    organization = require_organization(access)
    page = Page(organization, access.actor, ZoneInfo("UTC"))
    return Changes.of(page, found.definition, found.values, [field.name for field in found.definition.fields])


def _said(approval: dict[str, Any], *, approve: bool) -> str:
    """What has become of it, for whoever decided."""
    if not approve:
        return "Rejected."
    return f"Approved: the execution {'is queued' if approval['kind'] == Approval.Kind.START else 'goes on'}."
