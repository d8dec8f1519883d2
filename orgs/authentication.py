"""The resolver as Django REST framework asks for it. A view without credentials needs `authentication_classes = []`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from orgs.errors import AccessDenied
from orgs.records import Access, Actor
from orgs.resolver import resolve


class BifrostAuthentication(BaseAuthentication):
    """Sets `request.user` to the Actor and `request.auth` to the Access.

    Raises `orgs.errors.Denied`, also where there are no credentials at all; it never answers None.
    """

    def authenticate(self, request: Request) -> tuple[Actor, Access]:
        access = resolve(request._request)
        if access.actor.kind == "user":
            _require_csrf_token(request)
        return access.actor, access

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="bifrost"'


def _no_view(request: HttpRequest) -> HttpResponse:
    """Stands for the view, which the check neither calls nor finds exempt."""
    return HttpResponse()


def _require_csrf_token(request: Request) -> None:
    """A session comes by itself with every request of a browser, so the page must prove that it is ours."""

    check = CSRFCheck(_no_view)
    check.process_request(request._request)
    if reason := check.process_view(request._request, _no_view, (), {}):
        raise AccessDenied(f"The CSRF check failed: {reason}")
