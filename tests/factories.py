"""Makes people and tokens for tests."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from orgs import directory
from orgs.models import Membership, Organization, User
from orgs.permissions import role_permissions
from orgs.records import Actor, OrganizationRecord
from orgs.tokens import issue_token

PASSWORD = "correct horse battery"
_numbers = count(1)


def make_user(
    organization: OrganizationRecord | None = None,
    role: str = "admin",
    *,
    email: str = "",
    all_organizations: bool = False,
    organizations: tuple[OrganizationRecord, ...] = (),
    tags: tuple[str, ...] = (),
    **fields: object,
) -> User:
    """A person with PASSWORD; a member of the organization where one is given, in the MSP with the scope given."""
    user = User.objects.create_user(email or f"person{next(_numbers)}@example.com", PASSWORD, **fields)
    if organization:
        membership = Membership.objects.create(
            user=user,
            organization_id=organization.id,
            role=role,
            all_organizations=all_organizations,
            tags=list(tags),
        )
        membership.organizations.set([chosen.id for chosen in organizations])
    directory.forget()
    return user


def make_token(
    organization: OrganizationRecord,
    permissions: tuple[str, ...] | None = None,
    *,
    name: str = "test",
    expires_at: datetime | None = None,
) -> str:
    """The plain token, with the permissions given, or those of an admin (of the MSP: an owner)."""
    if permissions is None:
        permissions = tuple(role_permissions("owner" if organization.is_msp else "admin", msp=organization.is_msp))
    return issue_token(organization, name, permissions, expires_at=expires_at).plain


def make_actor(*permissions: str, kind: str = "user", name: str = "Ada") -> Actor:
    """Someone who may do just this, for code that needs no request."""
    return Actor(kind=kind, id=f"{kind}-1", email="ada@example.com", name=name, permissions=frozenset(permissions))


def change(organization: OrganizationRecord, **values: object) -> OrganizationRecord:
    """The organization with other values in its row, seen at once."""
    Organization.objects.filter(id=organization.id).update(**values)
    directory.forget()
    found = directory.organization_by_id(organization.id)
    assert found is not None
    return found
