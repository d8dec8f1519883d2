"""Pages of one organization: under `/o/<org_id>/`, or at a host name of its own.

The prefix is taken off the path, so that the same URLs and stock Django admin serve every organization with right
links. Before the view runs, the resolver decides whether the signed-in person may enter; only then the organization's
schema is set, and it is reset whatever happens. A view is open without signing in only where it says
`login_required = False` (as Django's own sign-in views do), and then sees the shared schema alone. What a view streams
is read after the reset: it must be data, not querysets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import get_script_prefix, reverse, set_script_prefix

from orgs.errors import Denied, OrganizationRequired, Unauthenticated
from orgs.resolver import organization_of_host, resolve
from orgs.tenancy import org_context

_PREFIX = re.compile(r"/o/(?P<org_id>[^/]+)(?P<rest>/.*)?", re.DOTALL)
# At these paths the host changes nothing here: static files have no data, and the API asks the resolver itself.
_OTHER_DOORS = ("/api/", "/webhooks/", "/static/")


class OrganizationMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        prefixed = _PREFIX.fullmatch(request.path_info)
        if prefixed is None and (request.path_info.startswith(_OTHER_DOORS) or organization_of_host(request) is None):
            return self.get_response(request)
        request.urlconf = settings.ORGANIZATION_URLCONF
        with ExitStack() as scope:
            if prefixed:
                scope.enter_context(_without_prefix(request, prefixed["org_id"], prefixed["rest"] or "/"))
            request.organization_scope = scope  # type: ignore[attr-defined]
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        scope: ExitStack | None = getattr(request, "organization_scope", None)
        if scope is None or not getattr(view, "login_required", True):
            return None
        try:
            organization = resolve(request).organization
            if organization is None:
                raise OrganizationRequired("This page belongs to an organization.")
        except Unauthenticated:
            # The view of a form may answer by itself who has filled it in for longer than the session lasted.
            itself = getattr(view, "when_signed_out", None) if request.method == "POST" else None
            answer: HttpResponse = itself(request, *args, **kwargs) if itself else _lead_to_sign_in(request)
            return answer
        except Denied as denied:
            return render(request, "orgs/denied.html", {"message": denied.message}, status=denied.status_code)
        scope.enter_context(org_context(organization))
        return None


def _lead_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in of the pages asked for, and from there back. A part of a page that htmx asks for cannot show it:
    the page itself goes there, and comes back to where it was."""
    sign_in = reverse("admin:login" if request.path_info.startswith("/admin/") else "portal-sign-in")
    if request.headers.get("HX-Request") != "true":
        return redirect_to_login(request.get_full_path(), sign_in)
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    back = urlunsplit(("", "", page.path, page.query, "")) if page.netloc == request.get_host() else ""
    return HttpResponse(
        status=401, headers={"HX-Redirect": redirect_to_login(back or reverse("portal-home"), sign_in).url}
    )


@contextmanager
def _without_prefix(request: HttpRequest, org_id: str, rest: str) -> Iterator[None]:
    before = get_script_prefix()
    prefix = f"{request.META.get('SCRIPT_NAME', '').rstrip('/')}/o/{org_id}"
    request.path_org_id = org_id  # type: ignore[attr-defined]
    request.path_info = rest
    request.META["SCRIPT_NAME"] = prefix
    set_script_prefix(f"{prefix}/")
    try:
        yield
    finally:
        set_script_prefix(before)
