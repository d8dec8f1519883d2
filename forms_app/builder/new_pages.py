"""How a form begins: from a workflow in one click, or from a file."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.specs import WorkflowSpec
from forms_app import exchange, versions
from forms_app.builder.pages import form_address, organization_of
from orgs.sites import actor_of, organization_site
from workflows_app import catalog
from workflows_app.catalog import categories
from workflows_app.errors import UnknownWorkflow


class ImportForm(forms.Form):
    file = forms.FileField(label=gettext_lazy("File"))
    slug = forms.SlugField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Empty: as the file says. Lower-case letters, digits and hyphens."),
    )


def new_page(request: HttpRequest) -> HttpResponse:
    """For those who may change forms."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        made = _imported(request, form) if "import" in request.POST else _made(request)
        if made is not None:
            return HttpResponseRedirect(form_address(made, "change"))
    words = request.GET.get("q", "").casefold().split()
    context = {
        **organization_site.each_context(request),
        "title": _("New form"),
        "categories": _by_category(words),
        "q": request.GET.get("q", ""),
        "form": form if "import" in request.POST else ImportForm(),
    }
    return TemplateResponse(request, "builder/new.html", context)


def _made(request: HttpRequest) -> UUID:
    try:
        made = versions.create(organization_of(request), actor_of(request), request.POST.get("workflow", ""))
    except UnknownWorkflow as unknown:
        raise Http404(unknown.message) from unknown
    messages.success(request, _("The form asks for what the workflow takes. Refine it here; nobody sees it yet."))
    return made


def _imported(request: HttpRequest, form: ImportForm) -> UUID | None:
    """The form that the file makes; None where `form` says why it makes none."""
    if not form.is_valid():
        return None
    file = form.cleaned_data["file"]
    try:
        if file.size > exchange.MOST_BYTES:
            raise ValidationError(_("The file is too large to be a form."))
        slug = form.cleaned_data["slug"] or None
        made = exchange.import_form(organization_of(request), actor_of(request), file.read(), slug=slug)
    except ValidationError as error:
        form.add_error("slug" if error.field == "slug" else "file", error.message)
        return None
    messages.success(request, _("The form is imported. Look through it; nobody sees it yet."))
    return made


def _by_category(words: list[str]) -> list[dict[str, Any]]:
    """The workflows that forms may start and that have all of the words, by their categories."""
    specs = [loaded.spec for loaded in catalog.current().workflows.values()]
    offered = [spec for spec in specs if _offered(spec) and all(word in _text(spec) for word in words)]
    offered.sort(key=lambda spec: (categories.order(spec.category), spec.name))
    return [
        {"label": categories.label(category), "workflows": list(group)}
        for category, group in groupby(offered, key=lambda spec: spec.category)
    ]


def _offered(spec: WorkflowSpec) -> bool:
    return spec.expose_in_forms and spec.execution_mode != "scheduled"


def _text(spec: WorkflowSpec) -> str:
    return f"{spec.name} {spec.description} {spec.category}".casefold()
