"""Groups of an organization's members. Forms name them by id; one that is gone lets nobody in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from orgs import audit, directory
from orgs.errors import Refused
from orgs.members import rows_among
from orgs.models import MemberGroup
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context

MOST_GROUPS = 200


@dataclass(frozen=True, slots=True)
class Group:
    id: UUID
    name: str
    size: int


def list_groups(organization: OrganizationRecord) -> list[Group]:
    """By name. One query."""
    with shared_context():
        rows = _of(organization).annotate(size=Count("members")).order_by("name")
        return [Group(row.id, row.name, row.size) for row in rows[:MOST_GROUPS]]


def group_with_members(organization: OrganizationRecord, group: UUID) -> tuple[Group, frozenset[UUID]] | None:
    """The group and its memberships; None where the organization has none of this id."""
    with shared_context():
        row = _of(organization).filter(id=group).first()
        if row is None:
            return None
        members = frozenset(row.members.values_list("id", flat=True))
    return Group(row.id, row.name, len(members)), members


def create_group(organization: OrganizationRecord, name: str, actor: Actor) -> UUID:
    """Raises Refused where the name is taken."""
    with shared_context():
        if _of(organization).count() >= MOST_GROUPS:
            raise Refused(_("There are too many groups."))
        row = MemberGroup(organization_id=organization.id, name=name)
        with _once(name), transaction.atomic():
            row.save(force_insert=True)
            _record(actor, "group.create", row)
    directory.forget()
    return row.id


def change_group(
    organization: OrganizationRecord, group: UUID, name: str, members: Iterable[UUID], actor: Actor
) -> None:
    """Sets its name and its members, of which only the organization's own count. Raises Refused."""
    with shared_context(), _once(name), transaction.atomic():
        row = _row(organization, group)
        row.name = name
        row.save(update_fields=["name"])
        row.members.set(rows_among(organization, members))
        _record(actor, "group.change", row)
    directory.forget()


def delete_group(organization: OrganizationRecord, group: UUID, actor: Actor) -> None:
    """Raises Refused where it is gone already."""
    with shared_context(), transaction.atomic():
        row = _row(organization, group)
        _record(actor, "group.delete", row)
        row.delete()
    directory.forget()


def _of(organization: OrganizationRecord) -> QuerySet[MemberGroup]:
    return MemberGroup.objects.filter(organization_id=organization.id)


def _row(organization: OrganizationRecord, group: UUID) -> MemberGroup:
    row = _of(organization).select_for_update().filter(id=group).first()
    if row is None:
        raise Refused(_("This group is gone."))
    return row


class _once:
    """A name that is taken is told in words."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError):
            raise Refused(_("There is a group %(name)s already.") % {"name": self._name}) from None


def _record(actor: Actor, done: str, row: MemberGroup) -> None:
    audit.record(actor, done, organization=row.organization_id, target=f"group:{row.id}", metadata={"name": row.name})
