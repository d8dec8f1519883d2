"""What the base page shows, as the variable `portal` of every template: looked up on first use, so that other pages
pay nothing for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from forms_app.portal import counts
from forms_app.portal.branding import colours_address, logo_address
from orgs import directory
from orgs.entering import organization_at
from orgs.members import may_manage
from orgs.models import User
from orgs.permissions import MANAGE_CONFIG, VIEW_EXECUTIONS
from orgs.records import Access, BrandingRecord, MembershipRecord, OrganizationRecord
from orgs.resolver import organization_of_host
from orgs.sites import access_of, organization_page


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a menu. `count` is told beside it where there is something new."""

    title: str
    url: str
    current: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another organization that the person can go to."""

    name: str
    url: str


def portal(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    return {"portal": SimpleLazyObject(lambda: Portal(request))}


class Portal:
    """Whom the page is for, and what the organization looks like."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def access(self) -> Access | None:
        """Who looks, where that one is a person and the page one of an organization."""
        access = access_of(self._request)
        return access if access and access.organization and access.actor.kind == "user" else None

    @cached_property
    def organization(self) -> OrganizationRecord | None:
        """Before anybody has signed in it is known at a host of its own only: a path says nothing of what exists."""
        if self.access:
            return self.access.organization
        return None if getattr(self._request, "path_org_id", "") else organization_at(self._request)

    @cached_property
    def branding(self) -> BrandingRecord:
        return directory.branding_of(self.organization.id) if self.organization else BrandingRecord()

    @property
    def name(self) -> str:
        return self.branding.name or (self.organization.name if self.organization else "Bifrost")

    @property
    def logo_url(self) -> str:
        return logo_address(self.branding)

    @property
    def colours_url(self) -> str:
        return colours_address(self.branding)

    @cached_property
    def person(self) -> Person | None:
        return Person(self.access.actor.name, self.access.actor.email) if self.access else None

    @property
    def permissions(self) -> frozenset[str]:
        return self.access.actor.permissions if self.access else frozenset()

    # --- What waits ----------------------------------------------------------------------------------------------

    @cached_property
    def pending_approvals(self) -> int:
        access = self.access
        return counts.pending_approvals(access.organization, access.actor) if access and access.organization else 0

    @cached_property
    def unread_notices(self) -> int:
        access = self.access
        return counts.unread_notices(access.organization, access.actor) if access and access.organization else 0

    @property
    def waiting(self) -> int:
        return self.pending_approvals + self.unread_notices

    # --- Menus ---------------------------------------------------------------------------------------------------

    @cached_property
    def navigation(self) -> list[Entry]:
        access = self.access
        views_all = access is not None and access.actor.can(VIEW_EXECUTIONS)
        return self._entries(
            [
                (_("Home"), "portal-home", 0, True),
                (_("My requests"), "portal-requests", 0, True),
                (_("All requests"), "portal-all-requests", 0, views_all),
                (_("Approvals"), "portal-approvals", self.pending_approvals, True),
                (_("Notices"), "portal-notices", self.unread_notices, True),
            ]
        )

    @cached_property
    def own_pages(self) -> list[Entry]:
        return self._entries([(_("Profile"), "portal-profile", 0, True), (_("API tokens"), "portal-tokens", 0, True)])

    @cached_property
    def management(self) -> list[Entry]:
        access = self.access
        if access is None or access.organization is None:
            return []
        members = may_manage(access.actor, access.organization)
        return self._entries(
            [
                (_("Members"), "portal-members", 0, members),
                (_("Groups"), "portal-groups", 0, members),
                (_("Branding"), "portal-branding", 0, access.actor.can(MANAGE_CONFIG)),
                (_("Administration"), "admin:index", 0, access.actor.staff),
            ]
        )

    @cached_property
    def elsewhere(self) -> list[Elsewhere]:
        """The other organizations of a person who is a member of several."""
        user = self._request.user
        if self.access is None or not isinstance(user, User):
            return []
        own = directory.memberships_of(user.id)
        here = self.organization.id if self.organization else None
        found = (self._way_to(membership) for membership in own if membership.organization_id != here)
        return sorted((way for way in found if way), key=lambda way: way.name.casefold())

    def _way_to(self, membership: MembershipRecord) -> Elsewhere | None:
        other = directory.organization_by_id(membership.organization_id)
        url = other and _address_of(self._request, other)
        return Elsewhere(other.name, url) if other and url else None

    def _entries(self, wanted: Iterable[tuple[str, str, int, bool]]) -> list[Entry]:
        """Those of the pages that there are and that the person may open."""
        match = self._request.resolver_match
        here = match.view_name if match else ""
        shown = []
        for title, name, count, allowed in wanted:
            address = _address(name) if allowed else ""
            if address:
                shown.append(Entry(title, address, name == here, count))
        return shown


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _address_of(request: HttpRequest, other: OrganizationRecord) -> str:
    """Below the same address where organizations are told apart by path, otherwise at the other's own host."""
    if organization_of_host(request) is None:
        prefix = request.META.get("SCRIPT_NAME", "").removesuffix(f"/o/{getattr(request, 'path_org_id', '')}")
        return f"{prefix}/o/{other.org_id}/"
    if host := directory.host_of(other.id):
        port = request.get_host().rpartition(":")[2] if ":" in request.get_host() else ""
        return f"{request.scheme}://{host}{':' if port else ''}{port}/"
    base = str(settings.ALERTS["public_url"]).rstrip("/")
    return base and base + organization_page(other.org_id, "portal-home")
