"""What the staff's pages do with executions: cancel them, run them again. Each asks first, and only a POST acts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from bifrost.sdk.errors import PermissionError, WorkflowException
from integrations.errors import SealBroken
from orgs.errors import Denied
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, actor_of
from workflows_app import catalog, queries, retrying, sending
from workflows_app.dispatch.admin import LABELS
from workflows_app.errors import HasEnded, UnknownExecution
from workflows_app.files.pages import download_page
from workflows_app.following import Outcome
from workflows_app.models import TERMINAL, Execution, Status
from workflows_app.permissions import managed_filter, may_cancel, may_start_again, owner_filter, require_organization

MOST = 100  # of selected rows
TOO_MANY = f"More than {MOST} at once are too many: select fewer."
GONE = "The current code. The workspace has no such workflow now."
REFUSALS = (Denied, WorkflowException, SealBroken)


class CodeForm(forms.Form):
    """By which code an execution runs again, and whether it takes over what it did well."""

    code = forms.ChoiceField(
        choices=[("current", "The current code"), ("same", "The code that each of them ran")],
        initial="current",
        widget=UnfoldAdminRadioSelectWidget,
    )
    fresh = forms.BooleanField(
        required=False, label="Do everything anew, also what was done well", widget=UnfoldBooleanWidget
    )

    def name_versions(self, workflow: str, ran: str) -> CodeForm:
        """Says which versions these are."""
        now = catalog.current().workflows.get(workflow)
        current = f"The current code, version {now.code_version[:8]}" if now else GONE
        same = f"The code that it ran, version {ran[:8]}"
        if now and now.code_version == ran:
            same = "The code that it ran, which is the same"
        self.fields["code"].choices = [("current", current), ("same", same)]  # type: ignore[attr-defined]
        return self

    def choices(self) -> dict[str, bool]:
        """What was chosen, once it is valid, as `retrying` takes it."""
        return {"same_code": self.cleaned_data["code"] == "same", "fresh": self.cleaned_data["fresh"]}


class ExecutionActions(OrganizationModelAdmin):
    """Pages that ask before they act, for one execution and for the selected ones of a list."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:id_>/cancel/", wrap(self.cancel_view), name="workflows_app_execution_cancel"),
            path("files/<uuid:file_id>/", wrap(download_page), name="workflows_app_execution_file"),
            path("<uuid:id_>/again/", wrap(self.again_view), name="workflows_app_execution_again"),
            *super().get_urls(),
        ]

    # --- one -------------------------------------------------------------------------------------------------------

    def offered(self, request: HttpRequest, record: dict[str, Any]) -> dict[str, bool]:
        """What its page offers to this person now."""
        ended, actor = record["status"] in TERMINAL, actor_of(request)
        return {
            "may_cancel": not ended and may_cancel(actor, record["executedBy"]),
            "may_start_again": ended and may_start_again(actor),
        }

    def cancel_view(self, request: HttpRequest, id_: UUID) -> HttpResponse:
        record = self._record(request, id_)
        if not may_cancel(actor_of(request), record["executedBy"]):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, "cancel", [record], address=_page(self, id_))
        try:
            actor = actor_of(request)
            status = sending.cancel(organization_of(request), id_, actor, managed_filter(actor))
        except REFUSALS as refused:
            self.message_user(request, told(refused), messages.ERROR)
        else:
            self.message_user(request, cancelled([status]), messages.SUCCESS)
        return HttpResponseRedirect(_page(self, id_))

    def again_view(self, request: HttpRequest, id_: UUID) -> HttpResponse:
        record = self._record(request, id_)
        if not may_start_again(actor_of(request)):
            raise PermissionDenied
        form = CodeForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            form.name_versions(record["workflowName"], record["codeVersion"])
            return self._ask(request, "again", [record], form=form, address=_page(self, id_))
        actor = actor_of(request)
        try:
            outcome = retrying.start_again(organization_of(request), id_, actor, owner_filter(actor), **form.choices())
        except REFUSALS as refused:
            self.message_user(request, told(refused), messages.ERROR)
            return HttpResponseRedirect(_page(self, id_))
        self.message_user(request, f"{started([outcome])} This is the new execution.", messages.SUCCESS)
        return HttpResponseRedirect(_page(self, outcome.execution_id))

    def _record(self, request: HttpRequest, id_: UUID) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return queries.get_summary(organization_of(request), id_)
        except UnknownExecution as missing:
            raise Http404(queries.NO_EXECUTION) from missing

    # --- the selected ones -----------------------------------------------------------------------------------------

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether the person may end any; whose, each one's own look tells."""
        try:
            managed_filter(actor_of(request))
        except PermissionError:
            return False
        return True

    def has_again_permission(self, request: HttpRequest) -> bool:
        return may_start_again(actor_of(request))

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Execution]) -> HttpResponse | None:
        chosen = self._chosen(request, queryset)
        if chosen is None:
            return None
        if "confirmed" not in request.POST:
            return self._ask(request, "cancel", chosen, action="cancel_selected")
        actor = actor_of(request)
        ids = [UUID(record["executionId"]) for record in chosen]
        answers = sending.cancel_all(organization_of(request), ids, actor, managed_filter(actor))
        done = [answer for answer in answers if isinstance(answer, str)]
        refused = [answer for answer in answers if not isinstance(answer, str)]
        self._report(request, cancelled(done), bool(done), refused)
        return None

    @admin.action(description="Run again", permissions=["again"])
    def start_selected_again(self, request: HttpRequest, queryset: QuerySet[Execution]) -> HttpResponse | None:
        chosen = self._chosen(request, queryset)
        if chosen is None:
            return None
        confirmed = "confirmed" in request.POST
        form = CodeForm(request.POST if confirmed else None)
        if not confirmed or not form.is_valid():
            return self._ask(request, "again", chosen, form=form, action="start_selected_again")
        actor = actor_of(request)
        ids = [UUID(record["executionId"]) for record in chosen]
        owner = owner_filter(actor)
        answers = retrying.start_all_again(organization_of(request), ids, actor, owner, **form.choices())
        done = [answer for answer in answers if isinstance(answer, Outcome)]
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        self._report(request, started(done), bool(done), refused)
        return None

    def _chosen(self, request: HttpRequest, queryset: QuerySet[Execution]) -> list[dict[str, Any]] | None:
        """The selected ones; None where they are too many, of which the page is told."""
        rows = queryset.order_by("id").values_list("id", "workflow", "status")[: MOST + 1]
        chosen = [{"executionId": str(id_), "workflowName": name, "status": status} for id_, name, status in rows]
        if len(chosen) > MOST:
            self.message_user(request, TOO_MANY, messages.ERROR)
            return None
        return chosen

    def _report(self, request: HttpRequest, done: str, any_done: bool, refused: Sequence[Exception]) -> None:
        if any_done:
            self.message_user(request, done, messages.SUCCESS)
        for sentence in refusals(refused):
            self.message_user(request, sentence, messages.WARNING)

    # --- asking ----------------------------------------------------------------------------------------------------

    def _ask(self, request: HttpRequest, what: str, records: Sequence[dict[str, Any]], **facts: Any) -> HttpResponse:
        """The page that asks whether it is to be done. `facts`: `action` of a list, `address` of one's page, `form`."""
        number = len(records)
        these = "this execution" if number == 1 else f"these {number} executions"
        ended = sum(record["status"] in TERMINAL for record in records)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Cancel {these}?" if what == "cancel" else f"Run {these} again?",
            "what": what,
            "groups": grouped(records),
            "ids": [record["executionId"] for record in records],
            "left_out": ended if what == "cancel" else number - ended,
            "back": facts.get("address") or request.get_full_path(),
            **facts,
        }
        return TemplateResponse(request, "workflows_app/execution_confirm.html", context)


def organization_of(request: HttpRequest) -> OrganizationRecord:
    return require_organization(resolve(request))


def grouped(records: Iterable[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    """Workflow, status with its colour, and how many of them; the most first."""
    found = Counter((record["workflowName"], record["status"]) for record in records)
    return [(name, status, LABELS[status], number) for (name, status), number in found.most_common()]


def told(refused: Exception) -> str:
    """Why, in words."""
    if isinstance(refused, SealBroken):
        return "Its input cannot be decrypted."
    return str(getattr(refused, "message", refused))


def cancelled(statuses: Sequence[str]) -> str:
    """What became of executions that were to be cancelled, by the status that each has now."""
    at_once = sum(status == Status.CANCELLED for status in statuses)
    asked = len(statuses) - at_once
    if len(statuses) == 1:
        return "Cancelled." if at_once else "Asked to end: it is cancelled as soon as its worker has stopped the code."
    parts = [f"{at_once} cancelled."] if at_once else []
    if asked:
        parts.append(f"{asked} asked to end: each is cancelled as soon as its worker has stopped the code.")
    return " ".join(parts)


def started(outcomes: Sequence[Outcome]) -> str:
    """How many run again, and what they wait for where that is more than a worker."""
    waiting = sum(outcome.status == Status.PENDING_APPROVAL for outcome in outcomes)
    if len(outcomes) == 1:
        return "Started again, and waits for an approval." if waiting else "Started again."
    return f"{len(outcomes)} started again{f', of which {waiting} wait for an approval' if waiting else ''}."


def refusals(refused: Iterable[Exception]) -> list[str]:
    """Each reason once, with how many it kept."""
    words = Counter("ended already." if isinstance(one, HasEnded) else told(one) for one in refused)
    return [
        f"{number} left as {'it is' if number == 1 else 'they are'}: {reason}" for reason, number in words.most_common()
    ]


def _page(model_admin: OrganizationModelAdmin, id_: UUID | str) -> str:
    return reverse("admin:workflows_app_execution_change", args=[id_], current_app=model_admin.admin_site.name)
