"""What all pages of the portal have in common beside their looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from forms_app.portal.visits import zone_of
from orgs.models import User
from orgs.sites import access_of

PREFIX = "portal-"
# Nothing from elsewhere, and no script or style that stands in a page: what somebody typed is never run.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class PortalMiddleware:
    """Times are told in the time zone of the person, or else the organization's; a page may load only what is ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            answer = self.get_response(request)
        finally:
            timezone.deactivate()
        if is_portal(request):
            answer.headers.setdefault("Content-Security-Policy", POLICY)
            answer.headers.setdefault("Referrer-Policy", "same-origin")
        return answer

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if is_portal(request) and (access := access_of(request)):
            own = request.user.timezone if isinstance(request.user, User) else ""
            timezone.activate(zone_of(own, access.organization))


def is_portal(request: HttpRequest) -> bool:
    match = request.resolver_match
    return bool(match and match.url_name and match.url_name.startswith(PREFIX))
