"""Which people may do something in an organization, and whom of those who may enter it somebody means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.models import Membership, User
from orgs.permissions import (
    EVERYTHING,
    PLATFORM_PERMISSIONS,
    ROLE_PERMISSIONS,
    SCOPED_STAFF_PERMISSIONS,
    STAFF_PERMISSIONS,
)
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom one may write to. `request_emails`: one of `User.RequestEmails`."""

    id: UUID
    email: str
    name: str
    request_emails: str


def how_many_may(organization: OrganizationRecord, permission: str, *, without: UUID | None = None) -> int:
    """How many active members have the permission, the one who is `without` not counted. The MSP's people, who may have
    it too, are no members of a customer. One query."""
    with shared_context():
        members = _members(organization, permission)
        return (members if without is None else members.exclude(user_id=without)).count()


def who_may(
    organization: OrganizationRecord, permission: str, *, without: UUID | None, email: str, most: int
) -> tuple[list[Person], int]:
    """Those members, the longest there first and `most` of them, and how many there are; where there are none, those of
    the MSP's staff whose scope the organization is in. Neither the one who is `without` nor whoever has that `email`.
    Two queries, or four."""
    with shared_context():
        for rows in (_members(organization, permission), _staff(organization, permission)):
            others = rows.exclude(user_id=without) if without else rows
            others = others.exclude(user__email__iexact=email) if email else others
            if number := others.values("user").distinct().count():
                return _people(others, most), number
    return [], 0


def among(
    organization: OrganizationRecord, *, ids: Iterable[UUID] = (), emails: Iterable[str] = ()
) -> Mapping[UUID, Person]:
    """Those of these people who may enter the organization now. One query."""
    meant = Q(user_id__in=list(ids)) | Q(user__email__in=list(emails))
    with shared_context():
        rows = Membership.objects.filter(meant, _enters(organization), user__is_active=True)
        return {person.id: person for person in _people(rows)}


def _members(organization: OrganizationRecord, permission: str) -> QuerySet[Membership]:
    rows = Membership.objects.filter(organization_id=organization.id, user__is_active=True)
    if not organization.is_msp:
        return rows.filter(role__in=_roles(ROLE_PERMISSIONS, permission))
    everywhere = Q(all_organizations=True, role__in=_roles(STAFF_PERMISSIONS, permission))
    return rows.filter(everywhere | Q(role__in=_roles(SCOPED_STAFF_PERMISSIONS, permission)))


def _staff(organization: OrganizationRecord, permission: str) -> QuerySet[Membership]:
    if organization.is_msp:
        return _members(organization, permission)
    roles = _roles(STAFF_PERMISSIONS, permission)
    mine = Membership.objects.filter(_enters(organization), role__in=roles, user__is_active=True)
    return mine.filter(organization__is_msp=True)


def _roles(given: Mapping[str, frozenset[str]], permission: str) -> list[str]:
    anything = permission not in PLATFORM_PERMISSIONS
    return [role for role, its in given.items() if permission in its or (EVERYTHING in its and anything)]


def _enters(organization: OrganizationRecord) -> Q:
    """The memberships that lead into the organization: its own, and those of the staff with that scope."""
    scope = Q(all_organizations=True) | Q(organizations=organization.id)
    if organization.tags:
        scope |= Q(tags__overlap=list(organization.tags))
    return Q(organization_id=organization.id) | (Q(organization__is_msp=True) & scope)


def _people(rows: QuerySet[Membership], most: int | None = None) -> list[Person]:
    users = rows.values("user_id", "user__email", "user__name", "user__request_emails", "id")
    found: dict[UUID, Person] = {}
    for row in users.order_by("id").distinct()[:most]:
        name = row["user__name"] or row["user__email"]
        wish = User.RequestEmails(row["user__request_emails"])
        found[row["user_id"]] = Person(row["user_id"], row["user__email"], name, wish)
    return list(found.values())
