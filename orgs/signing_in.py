"""Signing in by e-mail address and password, at the staff's pages and at an organization's. Guessing is slowed down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orgs import throttling
from orgs.throttling import Limit

WINDOW = timedelta(minutes=15)
#: From one place for one account; for one account from anywhere; from one place for any account.
FROM_ONE_PLACE = Limit("sign-in-from", 10, WINDOW)
OF_ONE_ACCOUNT = Limit("sign-in-of", 50, WINDOW)
BY_ONE_PLACE = Limit("sign-in-by", 200, WINDOW)
TOO_OFTEN = _("Too many attempts. Wait a quarter of an hour, or set a new password.")


class ThrottledSignIn(AuthenticationForm):
    """Refuses without looking at the password where too many were tried, whether there is such an account or not."""

    def clean(self) -> dict[str, Any]:
        email = str(self.cleaned_data.get("username") or "").strip().lower()
        require_patience(self.request, email)
        cleaned = super().clean()
        signed_in(self.request, email)
        return cleaned


def require_patience(request: HttpRequest | None, email: str) -> None:
    """Counts an attempt to sign in. Raises ValidationError where there were too many."""
    if not throttling.attempt(*_limits(request, email)):
        raise ValidationError(TOO_OFTEN, "throttled")


def signed_in(request: HttpRequest | None, email: str) -> None:
    """The password was right: the attempts before no longer count, but for those on other accounts."""
    pair, account, place = _limits(request, email)
    throttling.forget(pair, account)
    throttling.take_back(place)


def place_of(request: HttpRequest | None) -> str:
    return str(request.META.get("REMOTE_ADDR", "")) if request else ""


def _limits(request: HttpRequest | None, email: str) -> tuple[tuple[Limit, str], tuple[Limit, str], tuple[Limit, str]]:
    place = place_of(request)
    return (FROM_ONE_PLACE, f"{place} {email}"), (OF_ONE_ACCOUNT, email), (BY_ONE_PLACE, place)
