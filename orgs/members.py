"""An organization's members, as those among them see and change them who may.

Nobody changes a role of one's own. Owners are made, changed and removed by owners and the MSP's staff alone; the last
one stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from orgs import audit, directory
from orgs.errors import Refused
from orgs.models import Membership, Organization
from orgs.permissions import MANAGE_MEMBERS, MANAGE_STAFF, ROLE_PERMISSIONS, STAFF_PERMISSIONS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context

OWNER = str(Membership.Role.OWNER)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Member:
    """A person of an organization. `groups` are the names of those that the person is in."""

    id: UUID
    user_id: UUID
    email: str
    name: str
    role: str
    active: bool
    last_seen: datetime | None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of them."""

    members: tuple[Member, ...]
    page: int
    pages: int
    found: int


def may_manage(actor: Actor, organization: OrganizationRecord) -> bool:
    """Whether this person manages the organization's people."""
    return actor.kind == "user" and actor.can(MANAGE_STAFF if organization.is_msp else MANAGE_MEMBERS)


def roles_of(organization: OrganizationRecord) -> tuple[str, ...]:
    """The roles that there are, the mightiest first."""
    return tuple(STAFF_PERMISSIONS if organization.is_msp else ROLE_PERMISSIONS)


def roles_to_give(organization: OrganizationRecord, actor: Actor) -> tuple[str, ...]:
    """Those that this one may give others."""
    with shared_context():
        mighty = _owns(organization, actor)
    return tuple(role for role in roles_of(organization) if mighty or role != OWNER)


def list_members(organization: OrganizationRecord, text: str = "", page: int = 1) -> Listed:
    """By name. Three queries, however many there are."""
    found = Q(organization_id=organization.id)
    if text:
        found &= Q(user__email__icontains=text) | Q(user__name__icontains=text)
    with shared_context():
        count = Membership.objects.filter(found).count()
        pages = max(1, -(-count // PAGE))
        page = min(max(1, page), pages)
        rows = Membership.objects.filter(found).select_related("user").prefetch_related("groups")
        rows = rows.order_by("user__name", "user__email")[(page - 1) * PAGE : page * PAGE]
        return Listed(tuple(_member(row) for row in rows), page, pages, count)


def everybody(organization: OrganizationRecord) -> list[Member]:
    """All of them by name, without their groups. One query."""
    with shared_context():
        rows = Membership.objects.filter(organization_id=organization.id).select_related("user")
        return [_member(row, groups=()) for row in rows.order_by("user__name", "user__email")]


def member(organization: OrganizationRecord, membership: UUID) -> Member | None:
    """One of the organization's."""
    with shared_context():
        rows = Membership.objects.filter(organization_id=organization.id, id=membership)
        row = rows.select_related("user").prefetch_related("groups").first()
        return _member(row) if row else None


def change_role(organization: OrganizationRecord, membership: UUID, role: str, actor: Actor) -> None:
    """Raises Refused, in words for people."""
    with shared_context(), transaction.atomic():
        row = _changeable(organization, membership, actor)
        if role not in roles_of(organization) or (role == OWNER and not _owns(organization, actor)):
            raise Refused(_("You cannot give this role."))
        if row.role == role:
            return
        if row.role == OWNER:
            _require_another_owner(row)
        facts = {"user": row.user.email, "role": role, "before": row.role}
        row.role = role
        row.save(update_fields=["role"])
        audit.record(actor, "membership.change", organization=organization, target=_target(row), metadata=facts)
    directory.forget()


def remove(organization: OrganizationRecord, membership: UUID, actor: Actor) -> None:
    """The person is no member any more, and that one's own tokens do nothing. Raises Refused, in words for people."""
    with shared_context(), transaction.atomic():
        row = _changeable(organization, membership, actor)
        if row.role == OWNER:
            _require_another_owner(row)
        facts = {"user": row.user.email, "role": row.role}
        audit.record(actor, "membership.delete", organization=organization, target=_target(row), metadata=facts)
        row.delete()
    directory.forget()


def join(organization: OrganizationRecord, user_id: UUID, email: str, role: str, actor: Actor) -> bool:
    """Makes the person a member, in the caller's transaction; whoever is one keeps the role that he has."""
    row, new = Membership.objects.get_or_create(
        user_id=user_id, organization_id=organization.id, defaults={"role": role}
    )
    if new:
        facts = {"user": email, "role": role}
        audit.record(actor, "membership.create", organization=organization, target=_target(row), metadata=facts)
    return new


def rows_among(organization: OrganizationRecord, memberships: Iterable[UUID]) -> list[Membership]:
    """Those of the memberships that are the organization's."""
    return list(Membership.objects.filter(organization_id=organization.id, id__in=list(memberships)))


def _changeable(organization: OrganizationRecord, membership: UUID, actor: Actor) -> Membership:
    """The row, locked together with the organization's, so that two changes at once cannot leave it without owner."""
    Organization.objects.select_for_update().get(id=organization.id)
    rows = Membership.objects.select_related("user").filter(organization_id=organization.id, id=membership)
    row = rows.first()
    if row is None:
        raise Refused(_("This person is no member any more."))
    if str(row.user_id) == actor.id:
        raise Refused(_("You cannot change your own membership. Ask somebody else who manages members."))
    if row.role == OWNER and not _owns(organization, actor):
        raise Refused(_("Only an owner can change or remove an owner."))
    return row


def _owns(organization: OrganizationRecord, actor: Actor) -> bool:
    """Whether the actor stands as high as an owner there."""
    if actor.staff and not organization.is_msp:
        return True
    if organization.is_msp and actor.can(MANAGE_STAFF):
        return True
    return Membership.objects.filter(organization_id=organization.id, user_id=actor.id, role=OWNER).exists()


def _require_another_owner(row: Membership) -> None:
    others = Membership.objects.filter(organization_id=row.organization_id, role=OWNER, user__is_active=True)
    if not others.exclude(id=row.id).exists():
        raise Refused(_("This is the last owner. Make somebody else an owner first."))


def _member(row: Membership, groups: tuple[str, ...] | None = None) -> Member:
    named = (group.name for group in row.groups.all()) if groups is None else groups
    return Member(
        id=row.id,
        user_id=row.user_id,
        email=row.user.email,
        name=row.user.name,
        role=row.role,
        active=row.user.is_active,
        last_seen=row.user.last_login,
        groups=tuple(sorted(named)),
    )


def _target(row: Membership) -> str:
    return f"membership:{row.id}"
