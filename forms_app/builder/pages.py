"""The page on which a form is built: the list of its items, the settings of the chosen one, and a preview.

Every button sends the settings of the chosen item along, so that nothing is lost by going on. After a change the page
is asked for anew, by its address: going back and reloading never repeat one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from bifrost.sdk.specs import DataProviderSpec, WorkflowSpec
from forms_app.builder import actions, checking, drafts, panel, reading, saving
from forms_app.builder.content import END, Content, key_of
from forms_app.builder.controls import Typed
from forms_app.builder.drafts import Built, OutdatedPage
from forms_app.builder.listing import rows_of
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import actor_of, organization_site
from workflows_app import catalog

#: What a button does that ends the work at a draft, rather than changing an item.
ENDINGS = frozenset({"save", "publish", "withdraw", "discard", "rebase"})


def organization_of(request: HttpRequest) -> OrganizationRecord:
    """The organization whose page this is; organization_site lets nobody in without one."""
    organization = resolve(request).organization
    assert organization is not None
    return organization


def opened(request: HttpRequest, form_id: UUID) -> Built:
    """The form and the person's draft of it. Raises Http404."""
    built = drafts.open_form(organization_of(request), form_id, actor_of(request))
    if built is None:
        raise Http404(_("There is no such form."))
    return built


def build_page(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """For those who may change forms."""
    built = opened(request, form_id)
    if request.method == "POST":
        return _Step(request, built).answer()
    return show(request, built, _number(request.GET.get("item"), built.content))


def show(
    request: HttpRequest,
    built: Built,
    number: int,
    typed: Typed | None = None,
    alert: str = "",
    *,
    outdated: bool = False,
) -> HttpResponse:
    """`typed`: what a person sent and could not be taken over; it is shown again, with what is wrong."""
    workflow, providers = workspace_of(built)
    troubles = checking.troubles_of(built.content)
    shown = panel.show(built.content, number, workflow, providers, troubles)
    context = {
        **page_context(request, built, "build"),
        "rows": rows_of(built.content, number, troubles, request.GET.get("focus", "")),
        "panel": panel.as_typed(shown, typed) if typed else shown,
        "end": END,
        "alert": alert,
        "outdated": outdated,
        "troubles": troubles,
        "warnings": checking.warnings_of(built.content, workflow),
        "left_out": actions.left_out(built.content, workflow),
        "focus": request.GET.get("focus", ""),
        "asks_to_discard": "discard" in request.GET and built.is_draft,
        "preview": reverse("admin:forms_app_form_preview", args=[built.id], current_app=organization_site.name),
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "builder/build.html", context)


def page_context(request: HttpRequest, built: Built, tab: str) -> dict[str, Any]:
    """What all pages about one form have."""
    address = {name: form_address(built.id, name) for name in ("change", "settings", "versions", "export")}
    return {
        **organization_site.each_context(request),
        "title": built.name,
        "built": built,
        "tab": tab,
        "tabs": (
            ("build", _("Build"), address["change"]),
            ("settings", _("Settings and access"), address["settings"]),
            ("versions", _("Versions"), address["versions"]),
        ),
        "export": address["export"],
        "back": reverse("admin:forms_app_form_changelist", current_app=organization_site.name),
    }


def form_address(form_id: UUID, page: str) -> str:
    return reverse(f"admin:forms_app_form_{page}", args=[form_id], current_app=organization_site.name)


def workspace_of(built: Built) -> tuple[WorkflowSpec | None, Mapping[str, DataProviderSpec]]:
    """The form's workflow, where the workspace has it now, and the data providers."""
    found = catalog.current()
    loaded = found.workflows.get(built.workflow)
    providers = {name: each.spec for name, each in sorted(found.data_providers.items())}
    return loaded.spec if loaded else None, providers


def _number(text: str | None, content: Content) -> int:
    """The item that is chosen: the one of that number, else the first."""
    if text == "end" or not content.items:
        return END
    return min(int(text), len(content.items) - 1) if text and is_number(text) else 0


def is_number(text: str) -> bool:
    """Whether it counts something that a form can have."""
    return text.isdecimal() and len(text) < 7


class _Step:
    """One press of a button: takes over what was typed, then does what the button says."""

    def __init__(self, request: HttpRequest, built: Built) -> None:
        self.request = request
        self.built = built
        self.organization, self.actor = organization_of(request), actor_of(request)
        self.what, _colon, self.argument = request.POST.get("do", "apply").partition(":")
        self.typed = Typed(request.POST.dict())
        self.workflow, self.providers = workspace_of(built)
        self.arguments = {name: each.depends_on for name, each in self.providers.items()}
        self.number = self._sent_number()

    def answer(self) -> HttpResponse:
        if self.request.POST.get("state") != self.built.state or not self._is_same_item():
            return self._outdated()
        try:
            if self.what == "undo":
                drafts.undo(self.organization, self.built, self.actor)
                return self._back(self.number, "undo")
            if self.what != "discard":
                self._take_over()
            if self.typed.problems:
                alert = _("Some of it could not be taken over. Correct what is marked below.")
                return show(self.request, self.built, self.number, self.typed, alert)
            if self.what in ENDINGS:
                return self._end()
            return self._act()
        except OutdatedPage:
            return self._outdated()

    def _take_over(self) -> None:
        """Puts the settings that were sent into the draft."""
        content = self.built.content
        if "chosen" not in self.request.POST:
            return
        if self.number == END:
            self._keep(reading.end_from(content, self.typed), "end")
            return
        rows = {self.what.removeprefix("drop-"): int(self.argument)} if self._drops_row() else {}
        item = reading.item_from(content, self.number, self.typed, self.workflow, self.arguments, without=rows)
        self._keep(content.put(self.number, item), f"{self.number} {content.items[self.number].get('name', '')}")

    def _act(self) -> HttpResponse:
        number = int(self.argument) if is_number(self.argument) else self.number
        if self.argument == "end":
            number = END
        asked = actions.Asked(number, self.argument, self.workflow, self.arguments)
        if self.what in ("apply", "drop-when", "drop-inner"):
            return self._back(self.number, "panel" if self._drops_row() else "")
        done = actions.act(self.what, self.built.content, asked)
        self._keep(done.content)
        return self._back(done.chosen, done.focus)

    def _end(self) -> HttpResponse:
        ended = saving.end(self.what, self.organization, self.built, self.actor)
        (messages.success if ended.done else messages.error)(self.request, ended.message)
        return self._back(self.number)

    def _keep(self, content: Content, step: str = "") -> None:
        if content != self.built.content:
            drafts.keep(self.organization, self.built, self.actor, content, step)
            self.built = opened(self.request, self.built.id)

    def _drops_row(self) -> bool:
        return self.what in ("drop-when", "drop-inner") and is_number(self.argument)

    def _sent_number(self) -> int:
        text = self.request.POST.get("chosen", "")
        return _number("end" if text == str(END) else text, self.built.content)

    def _outdated(self) -> HttpResponse:
        """What was typed is shown again where its item is still there, for the person to send it once more."""
        self.built = opened(self.request, self.built.id)
        self.number = self._sent_number()
        typed = self.typed if self._is_same_item() else None
        alert = _("This form was changed in another tab meanwhile. Look at what is here now, and do it again.")
        return show(self.request, self.built, self.number, typed, alert, outdated=True)

    def _is_same_item(self) -> bool:
        """Whether the settings that were sent are those of the item that has this number now."""
        if "chosen" not in self.request.POST or self.number == END:
            return True
        return key_of(self.built.content.items[self.number]) == self.request.POST.get("was")

    def _back(self, number: int, focus: str = "") -> HttpResponse:
        query = {"item": "end" if number == END else str(number), **({"focus": focus} if focus else {})}
        return HttpResponseRedirect(f"{form_address(self.built.id, 'change')}?{urlencode(query)}")
