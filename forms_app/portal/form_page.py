"""The pages by which a form is filled in: by somebody of the organization, or by whoever holds a public link."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from bifrost.sdk.tolerant import JSON
from forms_app import catalog, public
from forms_app.catalog import FormRecord
from forms_app.errors import UnknownForm
from forms_app.portal import filling
from forms_app.portal.filling import Filling, Page
from forms_app.portal.resuming import RESUMED, keeps_what_was_sent
from forms_app.portal.visits import Visit, page, zone_of
from forms_app.submitting import Submitted, submit
from orgs.records import OrganizationRecord
from orgs.resolver import organization_of_host
from workflows_app import markdown
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import Field
from workflows_app.inputs.keeping import files_of
from workflows_app.inputs.naming import UPDATE
from workflows_app.inputs.offering import Offer, offer, offers
from workflows_app.inputs.pieces import options_piece


@keeps_what_was_sent
@require_http_methods(["GET", "HEAD", "POST"])
@page()
def show_form(request: HttpRequest, visit: Visit, slug: str) -> HttpResponseBase:
    form = _form(visit, slug)
    filled = _filling(visit, form)
    if request.method != "POST":
        return _shown(request, form, filling.begin(filled, request))
    taken = filling.take(filled, request)
    if isinstance(taken, Page):
        if request.POST.get(UPDATE) == RESUMED:
            messages.info(request, _("This is what you filled in. It is not submitted yet."))
        return _shown(request, form, taken)
    _tell(request, form, taken)
    assert taken.outcome is not None
    return redirect("portal-request", UUID(taken.outcome.execution_id))


@require_POST
@page()
def show_options(request: HttpRequest, visit: Visit, slug: str, field: str) -> HttpResponseBase:
    """The options of one field for what was filled in so far, as the piece of the page that shows them."""
    form = _form(visit, slug)

    def offering(definition: Definition, asked: Field, values: Mapping[str, JSON], refresh: bool) -> Offer:
        return offer(visit.organization, definition, asked, values, refresh=refresh)

    return options_piece(request, form.definition, field, offering, zone=visit.zone, options_url=_options_url(form))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_not_required
def show_public_form(request: HttpRequest, token: str) -> HttpResponseBase:
    """For a stranger, who sees no option of a data provider, and nothing of what becomes of it."""
    organization, form = _public_form(request, token)
    if "submitted" in request.GET:
        return render(request, "portal/form_taken.html", {"form": form, "text": _confirmation(form)})

    def send(values: Mapping[str, JSON], submission: UUID, confirmed: bool) -> Submitted:
        return public.submit_public(token, values, submission, confirmed=confirmed)

    filled = Filling(form, zone_of("", organization), send)
    if request.method != "POST":
        return _shown(request, form, filling.begin(filled, request), token)
    taken = filling.take(filled, request)
    if isinstance(taken, Page):
        return _shown(request, form, taken, token)
    return redirect(f"{reverse('portal-public-form', args=[token])}?submitted")


def _form(visit: Visit, slug: str) -> FormRecord:
    try:
        return catalog.form_for(visit.organization, slug, visit.actor)
    except UnknownForm:
        raise Http404 from None


def _public_form(request: HttpRequest, token: str) -> tuple[OrganizationRecord, FormRecord]:
    """A link works at its own organization's pages alone."""
    try:
        organization, form = public.form_of(token)
    except UnknownForm:
        raise Http404 from None
    host = organization_of_host(request)
    if organization.org_id not in (getattr(request, "path_org_id", ""), host.org_id if host else ""):
        raise Http404
    return organization, form


def _filling(visit: Visit, form: FormRecord) -> Filling:
    organization, actor = visit.organization, visit.actor

    def send(values: Mapping[str, JSON], submission: UUID, confirmed: bool) -> Submitted:
        return submit(organization, actor, form, values, submission, confirmed=confirmed)

    return Filling(
        form,
        visit.zone,
        send,
        offers=lambda values: offers(organization, form.definition, values),
        options_url=_options_url(form),
        files=files_of(organization, actor),
    )


def _options_url(form: FormRecord) -> str:
    """What a field's name is put behind."""
    return reverse("portal-form-options", args=[form.slug, "-"]).removesuffix("-")


def _shown(request: HttpRequest, form: FormRecord, shown: Page, token: str = "") -> HttpResponse:
    action = reverse("portal-public-form", args=[token]) if token else reverse("portal-form", args=[form.slug])
    context = {"form": form, "page": shown, "asked": shown.asked, "action": action, "public": bool(token)}
    answer = render(request, "portal/form.html", context, status=shown.status)
    for name, text in shown.headers.items():
        answer[name] = text
    return answer


def _tell(request: HttpRequest, form: FormRecord, taken: Submitted) -> None:
    """For the page that it leads to."""
    messages.success(request, _confirmation(form))
    for finding in taken.findings:
        if finding.level == "inform":
            messages.info(request, finding.message)


def _confirmation(form: FormRecord) -> str:
    return markdown.render(form.confirmation) if form.confirmation else _("Thank you. It was submitted.")
