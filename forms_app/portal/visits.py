"""Whose page it is: who looks at a page of the portal, in which organization, and in which time zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from bifrost.sdk.errors import PermissionError as NotPermitted
from orgs.members import may_manage
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.resolver import resolve
from workflows_app.permissions import owner_filter


@dataclass(frozen=True, slots=True)
class Visit:
    organization: OrganizationRecord
    actor: Actor
    user: User

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.user.timezone, self.organization)

    @property
    def owner(self) -> str | None:
        """Whose requests alone the person sees; None: everybody's. Raises Http404 for those who see none."""
        try:
            return owner_filter(self.actor)
        except NotPermitted as refused:
            raise Http404 from refused


View = Callable[..., HttpResponseBase]
Allowed = Callable[[Visit], bool]


def visit_of(request: HttpRequest) -> Visit:
    """The visit that `orgs.middleware` let in. Raises PermissionDenied for programs: pages are for people."""
    access = resolve(request)
    if access.organization is None or not isinstance(request.user, User) or access.actor.kind != "user":
        raise PermissionDenied
    return Visit(access.organization, access.actor, request.user)


def page(allowed: Allowed | None = None) -> Callable[[View], View]:
    """A page for people: the view gets the visit first. Whoever is not `allowed` is told so."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def with_visit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            visit = visit_of(request)
            if allowed is not None and not allowed(visit):
                raise PermissionDenied
            return view(request, visit, *args, **kwargs)

        return with_visit

    return decorate


def manages_members(visit: Visit) -> bool:
    return may_manage(visit.actor, visit.organization)


def cursor_of(request: HttpRequest) -> UUID | None:
    """Where a page of a list begins; at the newest for what is no place."""
    try:
        return UUID(request.GET["cursor"])
    except (KeyError, ValueError):
        return None


def zone_of(own: str, organization: OrganizationRecord | None) -> ZoneInfo:
    """The person's own; who has chosen none has the organization's."""
    return ZoneInfo(own or (organization.timezone if organization else "UTC"))


def can(permission: str) -> Allowed:
    return lambda visit: visit.actor.can(permission)
