"""A filled-in form that cannot be taken, because its sender is not signed in any more, or has signed in anew since.

Nothing of it is stored: what was sent stands hidden in the page that says so, and goes from there back to the form,
which shows it again. It is submitted only when the person presses the form's own button once more. Secrets are not
written into a page: they, and files, have to be given again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.csrf import csrf_failure

from forms_app.portal import letters
from forms_app.portal.filling import SECRETS, SUBMISSION
from forms_app.portal.forms import SignInForm
from forms_app.portal.middleware import is_portal
from orgs.entering import organization_at
from workflows_app.inputs.naming import ASKED, PREFIX, UPDATE

FORM_PAGES = ("portal-form", "portal-public-form")
# What the button says that brings the form back as it was.
RESUMED = "resumed"
Kept = Sequence[tuple[str, str]]
View = Callable[..., HttpResponseBase]


def keeps_what_was_sent(view: View) -> View:
    """For the view of a form: a POST without a session leads to the sign-in with what was sent, and back."""
    view.when_signed_out = ask_to_sign_in  # type: ignore[attr-defined]
    return view


def ask_to_sign_in(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    context = {
        "form": SignInForm(request, organization=organization_at(request)),
        "next": request.get_full_path(),
        "kept": kept(request.POST),
        "too_late": True,
        "can_reset": letters.can_send(),
    }
    answer = render(request, "portal/sign_in.html", context, status=401)
    answer["Cache-Control"] = "no-store"
    return answer


def go_on(request: HttpRequest, address: str, values: Kept, *, status: int = 200) -> HttpResponse:
    """The step back to the form. With JavaScript nobody sees it."""
    context = {"address": address, "kept": values, "button": UPDATE, "resumed": RESUMED}
    answer = render(request, "portal/go_on.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def kept(data: QueryDict) -> Kept:
    """What the page of a form asked, as it was sent, but for secrets."""
    secret = set(data.get(SECRETS, "").split())
    return [
        (name, text)
        for name, texts in data.lists()
        for text in texts
        if name in (SUBMISSION, ASKED) or (name.startswith(PREFIX) and name not in secret)
    ]


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """The token of a page is over once its reader has signed in anew, perhaps in another tab. Only what our own page
    has sent is shown again: another site must not put words into a form."""
    if not is_portal(request):
        return csrf_failure(request, reason)
    ours = urlsplit(request.headers.get("Origin", "")).netloc == request.get_host()
    match = request.resolver_match
    values = kept(request.POST) if ours and match and match.url_name in FORM_PAGES else []
    return go_on(request, request.get_full_path(), values, status=403)
