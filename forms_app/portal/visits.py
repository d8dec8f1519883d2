"""Whose page it is: who looks at a page of the portal, and in which organization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from orgs.members import may_manage
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.resolver import resolve


@dataclass(frozen=True, slots=True)
class Visit:
    organization: OrganizationRecord
    actor: Actor
    user: User


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


def can(permission: str) -> Allowed:
    return lambda visit: visit.actor.can(permission)
