"""A person's own pages: name, time zone and e-mails, password, API tokens."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from forms_app.portal import words
from forms_app.portal.forms import ProfileForm, TokenForm
from forms_app.portal.visits import Visit, page
from orgs import directory, people
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context


@page()
def show_profile(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """GET shows who one is, POST saves name, time zone and e-mails."""
    user = visit.user
    initial = {"name": user.name, "timezone": user.timezone, "request_emails": user.request_emails}
    form = ProfileForm(request.POST or None, initial=initial, organization=visit.organization)
    if request.method == "POST" and form.is_valid():
        people.change_profile(user, visit.actor, **form.cleaned_data)
        messages.success(request, _("Your profile is saved."))
        return HttpResponseRedirect(reverse("portal-profile"))
    context = {"form": form, "roles": _roles(visit.user, visit.organization), "groups": _groups(visit)}
    return render(request, "portal/profile.html", context)


@sensitive_post_parameters()
@page()
def change_password(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """This browser stays signed in, all others are signed out."""
    form = PasswordChangeForm(visit.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            user = form.save()
            people.record_change(visit.actor, user, ["password"])
        directory.forget()
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password is changed. Other browsers are signed out."))
        return HttpResponseRedirect(reverse("portal-profile"))
    return render(request, "portal/password.html", {"form": form})


# --- Tokens ------------------------------------------------------------------------------------------------------


@page()
def show_tokens(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """GET lists one's own; POST makes one, which the answer shows this once."""
    form = TokenForm(request.POST or None, permissions=people.permissions_to_give(visit.actor))
    if request.method == "POST" and not visit.organization.is_msp and form.is_valid():
        values = form.cleaned_data
        issued = people.make_token(
            visit.organization, visit.user, visit.actor, values["name"], values["permissions"], form.expires_at
        )
        context = {"plain": issued.plain, "name": values["name"], "org_id": visit.organization.org_id}
        return render(request, "portal/token_made.html", context)
    tokens = people.list_tokens(visit.organization, visit.user.id)
    return render(request, "portal/tokens.html", {"form": form, "tokens": tokens, "is_msp": visit.organization.is_msp})


@require_POST
@page()
def revoke_token(request: HttpRequest, visit: Visit, token_id: UUID) -> HttpResponse:
    if people.revoke_own(visit.organization, visit.user.id, token_id, visit.actor):
        messages.success(request, _("The token is revoked."))
    else:
        messages.error(request, _("There is no such token of yours."))
    return HttpResponseRedirect(reverse("portal-tokens"))


def _roles(user: User, organization: OrganizationRecord) -> list[str]:
    """What the person is here."""
    found = [each for each in directory.memberships_of(user.id) if each.covers(organization)]
    return [words.role(each.role) for each in found]


def _groups(visit: Visit) -> list[str]:
    with shared_context():
        rows = visit.user.memberships.filter(organization_id=visit.organization.id)
        return list(rows.exclude(groups=None).order_by("groups__name").values_list("groups__name", flat=True))
