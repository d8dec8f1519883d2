"""Where the link of an invitation leads. It is open to whoever has the link, and works once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from forms_app.portal.forms import JoinForm, JoinWithAccountForm
from orgs import invitations
from orgs.entering import organization_at
from orgs.errors import Refused
from orgs.models import Invitation, User
from orgs.records import OrganizationRecord

HOW = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@sensitive_post_parameters()
@never_cache
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Makes an account and a member, or lets the owner of the account join, who has to be signed in for that."""
    organization = organization_at(request)
    invitation = invitations.find(organization, secret)
    if organization is None or invitation is None:
        return render(request, "portal/link_over.html", status=404)
    account = invitations.account_of(invitation)
    try:
        if account is None:
            return _join_anew(request, organization, invitation)
        return _join_with(request, organization, invitation, account)
    except Refused as refused:
        return render(request, "portal/link_over.html", {"why": str(refused)}, status=409)


def _join_anew(request: HttpRequest, organization: OrganizationRecord, invitation: Invitation) -> HttpResponse:
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user = invitations.accept_anew(organization, invitation, values["name"], values["password"])
        except ValidationError as error:
            form.add_error("password", error)
        else:
            return _welcome(request, user, organization)
    return _asking(request, organization, invitation, form=form)


def _join_with(
    request: HttpRequest, organization: OrganizationRecord, invitation: Invitation, account: User
) -> HttpResponse:
    """One who is signed in already only says yes; everybody else gives the account's password."""
    if request.user.is_authenticated and request.user.pk == account.pk:
        if request.method != "POST":
            return _asking(request, organization, invitation, signed_in=True)
        invitations.accept(organization, invitation, account)
        return _welcome(request, None, organization)
    form = JoinWithAccountForm(request, invitation.email)
    if request.method == "POST" and form.is_valid():
        invitations.accept(organization, invitation, account)
        return _welcome(request, account, organization)
    return _asking(request, organization, invitation, form=form, account=True)


def _asking(
    request: HttpRequest, organization: OrganizationRecord, invitation: Invitation, **more: Any
) -> HttpResponse:
    context = {"organization": organization, "invitation": invitation, **more}
    return render(request, "portal/join.html", context)


def _welcome(request: HttpRequest, user: User | None, organization: OrganizationRecord) -> HttpResponse:
    if user:
        login(request, user, backend=HOW)
    messages.success(request, _("Welcome to %(organization)s.") % {"organization": organization.name})
    return HttpResponseRedirect(reverse("portal-home"))
