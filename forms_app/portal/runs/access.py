"""Whose page it is. `orgs.middleware` has let the person in and set the organization's schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from bifrost.sdk.errors import PermissionError as NotPermitted
from orgs.records import Actor, OrganizationRecord
from orgs.resolver import resolve
from workflows_app.permissions import owner_filter, require_organization

View = Callable[..., HttpResponse]
NOT_THERE = "There is no such page."


@dataclass(frozen=True, slots=True)
class Visit:
    organization: OrganizationRecord
    actor: Actor
    zone: ZoneInfo

    @property
    def owner(self) -> str | None:
        """Whose requests alone the person sees; None: everybody's. Raises Http404 for those who see none."""
        try:
            return owner_filter(self.actor)
        except NotPermitted as refused:
            raise Http404(NOT_THERE) from refused


def page(view: View) -> View:
    """A page for the person who has signed in: the view gets the visit, and times are told in that one's time zone."""

    @never_cache
    @wraps(view)
    def with_visit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit = _visit_of(request)
        with timezone.override(visit.zone):
            return view(request, visit, *args, **kwargs)

    return with_visit


def _visit_of(request: HttpRequest) -> Visit:
    access = resolve(request)
    organization = require_organization(access)
    name = getattr(request.user, "timezone", "") or organization.timezone
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name that was good once
        zone = ZoneInfo("UTC")
    return Visit(organization, access.actor, zone)


def cursor_of(request: HttpRequest) -> UUID | None:
    """Where the page begins; at the newest for what is no place."""
    try:
        return UUID(request.GET["cursor"])
    except (KeyError, ValueError):
        return None
