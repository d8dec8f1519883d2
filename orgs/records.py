"""What the rest of the platform knows of organizations and people: values, safe to hand across schemas and threads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orgs.permissions import EVERYTHING, PLATFORM_PERMISSIONS, SCOPED_STAFF_PERMISSIONS, role_permissions


@dataclass(frozen=True, slots=True)
class OrganizationRecord:
    """An organization as it was when it was looked up, at most two seconds ago."""

    id: UUID
    org_id: str
    name: str
    schema_name: str
    status: str
    is_msp: bool
    tenant_id: str
    timezone: str
    tags: tuple[str, ...]
    ready: bool = True
    config_version: int = 0


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and what that one may do in the organization that the request names.

    `kind` is user, token, system, command, or public for whoever holds the public link of a form. `staff` is true for
    the MSP's own people and tokens.
    """

    kind: str
    id: str
    email: str
    name: str
    permissions: frozenset[str]
    token_name: str = ""
    staff: bool = False

    def can(self, permission: str) -> bool:
        """Whether the permission was given by name, or is an organization's own and everything there was given."""
        if permission in self.permissions:
            return True
        return EVERYTHING in self.permissions and permission not in PLATFORM_PERMISSIONS

    @property
    def is_authenticated(self) -> bool:
        return True


#: Whoever works at the machine itself, by a command or a script: no sign-in stands before that.
COMMAND_LINE = Actor("command", "command", "", "Command line", frozenset({EVERYTHING}), staff=True)


@dataclass(frozen=True, slots=True)
class Access:
    """The answer of the resolver: who, and in which organization; None where the request names none."""

    actor: Actor
    organization: OrganizationRecord | None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """An API token as the resolver needs it. The token itself is not known."""

    id: UUID
    name: str
    organization_id: UUID
    permissions: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class BrandingRecord:
    """How an organization's portal looks. `colour` is #rrggbb or "", `logo` the digest of the picture or ""."""

    name: str = ""
    colour: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """A person's role in one organization; for MSP staff with the scope over its customers."""

    organization_id: UUID
    org_id: str
    is_msp: bool
    role: str
    all_organizations: bool
    chosen: frozenset[UUID]
    tags: frozenset[str]

    def covers(self, organization: OrganizationRecord) -> bool:
        """Whether this membership lets its person into the organization."""
        if organization.id == self.organization_id:
            return True
        if not self.is_msp:
            return False
        return self.all_organizations or organization.id in self.chosen or not self.tags.isdisjoint(organization.tags)

    def permissions_in(self, organization: OrganizationRecord | None) -> frozenset[str]:
        """What it lets its person do in the organization; outside any, what staff may do with the platform."""
        if not (self.covers(organization) if organization else self.is_msp):
            return frozenset()
        at_home = organization is not None and organization.id == self.organization_id
        if self.is_msp and at_home and not self.all_organizations:
            return SCOPED_STAFF_PERMISSIONS.get(self.role, frozenset())
        return role_permissions(self.role, msp=self.is_msp)
