"""Who may send a body that is larger than others, said before it is read; and that half a body is none.

The bridge asks it by the same request without its body, which no view ever sees: people of the organization and
programs that it knows may, strangers may not. What a page of another site makes a browser send is not let in either, as
far as the request's headers tell; its CSRF token may stand in the body, and is looked at with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from bifrost.bridge import CUT, ROOM
from orgs.errors import Denied
from orgs.resolver import resolve

# These doors look at the length of a body themselves, and say so in their own words.
_OTHER_DOORS = ("/api/", "/webhooks")


class RoomMiddleware:
    """Stands behind `orgs.middleware`, which has let in whoever may enter, and before the check of CSRF tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if ROOM in request.META:
            return HttpResponse(status=204 if _may_bring_more(request) else 403)
        if CUT in request.META and not request.path_info.startswith(_OTHER_DOORS):
            return render(request, "413.html", status=413)
        return None


def _may_bring_more(request: HttpRequest) -> bool:
    try:
        access = resolve(request)
    except Denied:
        return False
    return access.actor.kind != "user" or _is_from_here(request)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether one of our pages may have sent it."""
    origin = request.headers.get("Origin")
    here = origin is None or urlsplit(origin).netloc == request.get_host()
    return here and settings.CSRF_COOKIE_NAME in request.COOKIES
