"""The way in and out: signing in, signing out, and a new password for those who have forgotten theirs."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import LoginView, LogoutView, PasswordResetConfirmView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from forms_app.portal import letters, resuming
from forms_app.portal.forms import ResetForm, SignInForm
from orgs import directory, throttling
from orgs.entering import is_open, may_enter, organization_at
from orgs.models import User
from orgs.people import record_change
from orgs.records import Actor, OrganizationRecord
from orgs.signing_in import TOO_OFTEN, WINDOW, place_of
from orgs.throttling import Limit

LETTERS_TO_ONE = Limit("reset-to", 3, WINDOW)
LETTERS_BY_ONE = Limit("reset-by", 30, WINDOW)


class SignIn(LoginView):
    authentication_form = SignInForm
    template_name = "portal/sign_in.html"

    def get_default_redirect_url(self) -> str:
        return reverse("portal-home")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "organization": organization_at(self.request)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = resuming.kept(self.request.POST)
        return {**super().get_context_data(**kwargs), "can_reset": letters.can_send(), "kept": kept}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Whoever was filling in a form goes on with it."""
        answer = super().form_valid(form)
        kept = resuming.kept(self.request.POST)
        return resuming.go_on(self.request, self.get_success_url(), kept) if kept else answer


class SignOut(LogoutView):
    """By POST alone. What one signed out of asks for a sign-in again."""

    def get_default_redirect_url(self) -> str:
        return reverse("portal-sign-in")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().post(request, *args, **kwargs)
        messages.success(request, _("You are signed out."))
        return answer


sign_out = login_not_required(SignOut.as_view())


@login_not_required
@never_cache
def ask_for_reset(request: HttpRequest) -> HttpResponse:
    """The answer is the same whether there is such an account, or none, or one of another organization."""
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"].strip().lower()
        if throttling.attempt((LETTERS_TO_ONE, email), (LETTERS_BY_ONE, place_of(request))):
            _write(request, organization_at(request), email)
            return HttpResponseRedirect(reverse("portal-reset-sent"))
        form.add_error(None, TOO_OFTEN)
    return render(request, "portal/reset.html", {"form": form, "can_send": letters.can_send()})


def _write(request: HttpRequest, organization: OrganizationRecord | None, email: str) -> None:
    user = User.objects.filter(email=email, is_active=True).first()
    if organization is None or user is None or not user.has_usable_password() or not may_enter(user, organization):
        return
    if not is_open(organization):
        return
    key = urlsafe_base64_encode(force_bytes(user.pk))
    link = reverse("portal-reset-confirm", args=[key, default_token_generator.make_token(user)])
    context = {"user": user, "organization": organization.name, "link": request.build_absolute_uri(link)}
    subject = _("A new password for %(organization)s") % {"organization": organization.name}
    letters.send(user.email, subject, "portal/letters/reset.txt", context)


@login_not_required
def reset_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/reset_sent.html")


class ConfirmReset(PasswordResetConfirmView):
    """Asks for the new password, once, for those alone who may enter where the link leads."""

    template_name = "portal/reset_confirm.html"
    success_url = reverse_lazy("portal-sign-in")

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        organization = organization_at(self.request)
        return user if user and organization and is_open(organization) and may_enter(user, organization) else None

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        user = cast(User, self.user)
        actor = Actor("user", str(user.id), user.email, user.name or user.email, frozenset())
        with transaction.atomic():
            answer = super().form_valid(form)
            record_change(actor, user, ["password"])
        directory.forget()
        messages.success(self.request, _("The new password is set. Sign in with it."))
        return answer
