"""The page of an organization's secrets: which there are, new ones, rotations. No page shows a value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bifrost.sdk.errors import ValidationError
from integrations.errors import VaultUnavailable
from integrations.secret_defaults import delete_default, write_default
from integrations.secret_places import MSP_DEFAULTS, Place, own_place, tag_place
from integrations.secrets import delete_secret, known_secrets, write_secret
from orgs.permissions import MANAGE_SECRETS, VIEW_CONFIG
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import actor_of, organization_site

LONGEST_HOURS = 30 * 24
OWN, ALL = "own", "all"


class SecretForm(forms.Form):
    """A new value for a secret. It is never filled in with what there is."""

    name = forms.CharField(max_length=127, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))
    value = forms.CharField(
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text="It goes to the vault and is shown nowhere again.",
    )
    hours = forms.FloatField(
        label="Overlap in hours",
        min_value=0,
        max_value=LONGEST_HOURS,
        initial=0,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="So long workflows may still read the value before, as the previous one.",
    )
    whose = forms.CharField(label="For", initial=OWN)

    def __init__(self, organization: OrganizationRecord, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if organization.is_msp:
            choices = [(OWN, "The MSP's organization"), (ALL, "All organizations, as a default")]
            self.fields["whose"].widget = UnfoldAdminSelectWidget(choices=choices)
            self.fields["tag"] = forms.CharField(
                required=False,
                max_length=50,
                widget=UnfoldAdminTextInputWidget,
                help_text="Only for organizations that carry this tag, as a default.",
            )
        else:
            self.fields["whose"].widget = forms.HiddenInput()


@require_http_methods(["GET", "HEAD", "POST"])
def secrets_page(request: HttpRequest) -> HttpResponse:
    """For those whom the organization's site has let in."""
    access = resolve(request)
    organization, actor = access.organization, access.actor
    assert organization is not None
    if not actor.can(VIEW_CONFIG):
        raise PermissionDenied
    form = SecretForm(organization, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not actor.can(MANAGE_SECRETS):
            raise PermissionDenied
        if "delete" in request.POST:
            return _deleted(request, organization)
        if form.is_valid() and _written(request, organization, form):
            return _back()
    context = {
        **organization_site.each_context(request),
        "title": "Secrets",
        "form": form,
        "places": _places(request, organization),
        "may_manage": actor.can(MANAGE_SECRETS),
        "is_msp": organization.is_msp,
        "asked": _asked(request),
    }
    return TemplateResponse(request, "integrations/secrets.html", context)


def _asked(request: HttpRequest) -> dict[str, str] | None:
    """Which secret is to be deleted, if the person says yes."""
    if "delete" not in request.GET:
        return None
    return {"name": request.GET["delete"], "whose": request.GET.get("whose", OWN)}


def _written(request: HttpRequest, organization: OrganizationRecord, form: SecretForm) -> bool:
    """Whether it is in the vault now; if not, the form says why."""
    given = form.cleaned_data
    overlap, value = timedelta(hours=given["hours"]), given["value"].replace("\r\n", "\n")
    try:
        place = _chosen(organization, given["whose"], given.get("tag", ""))
        if place == own_place(organization):
            write_secret(organization, given["name"], value, actor_of(request), overlap)
        else:
            write_default(place, given["name"], value, actor_of(request), overlap)
    except ValidationError as error:
        shown = {field.name for field in form.visible_fields()}
        form.add_error(error.field if error.field in shown else None, error.message)
        return False
    except VaultUnavailable as away:
        form.add_error(None, f"Nothing was changed. {away.message}")
        return False
    messages.success(request, f"The secret {given['name']} is set.")
    return True


def _deleted(request: HttpRequest, organization: OrganizationRecord) -> HttpResponse:
    name = request.POST["delete"]
    try:
        place = _chosen(organization, request.POST.get("whose", OWN))
        if place == own_place(organization):
            done = delete_secret(organization, name, actor_of(request))
        else:
            done = delete_default(place, name, actor_of(request))
    except (ValidationError, VaultUnavailable) as refused:
        messages.error(request, f"Nothing was changed. {refused.message}")
    else:
        messages.success(request, f"The secret {name} is deleted." if done else f"There is no secret {name}.")
    return _back()


def _chosen(organization: OrganizationRecord, whose: str, tag: str = "") -> Place:
    """Raises ValidationError where the organization has no such place."""
    if whose == OWN and not tag:
        return own_place(organization)
    if not organization.is_msp:
        raise ValidationError("Only the MSP's organization has defaults.", field="whose")
    return tag_place(tag) if tag else MSP_DEFAULTS


def _places(request: HttpRequest, organization: OrganizationRecord) -> list[dict[str, Any]]:
    """The names by where they lie; with a message in their place where the vault is away."""
    try:
        found = known_secrets(organization)
    except VaultUnavailable as away:
        messages.error(request, away.message)
        return []
    own = own_place(organization)
    return [{"name": name, "is_own": place == own, "from": _words(place, organization)} for name, place in found]


def _words(place: Place, organization: OrganizationRecord) -> str:
    if place == own_place(organization):
        return "the organization"
    return f"the MSP's default for {place.tag}" if place.tag else "the MSP's default"


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("organization-secrets"))
