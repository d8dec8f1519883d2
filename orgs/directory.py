"""Look-ups of organizations, tokens and people, kept for two seconds in this process.

Whoever changes one of these rows calls `forget()`, so that this process sees it at once; others within two seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar, cast
from uuid import UUID

from orgs.models import ApiToken, Branding, Domain, MemberGroup, Membership, Organization, User
from orgs.records import BrandingRecord, MembershipRecord, OrganizationRecord, TokenRecord
from orgs.tenancy import shared_context

KEPT_SECONDS = 2.0
# Unknown tokens and hosts are kept too, so strangers must not be able to fill the memory.
MOST_ENTRIES = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Kept(Generic[K, V]):
    """The answers of one look-up, None included."""

    def __init__(self, look_up: Callable[[K], V]) -> None:
        self._look_up = look_up
        self._entries: dict[K, tuple[float, V]] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def __call__(self, key: K) -> V:
        entry = self._entries.get(key)
        if entry and entry[0] > monotonic():
            return entry[1]
        generation = self._generation
        with shared_context():
            value = self._look_up(key)
        with self._lock:
            # What was read before a forget() may be older than the change that caused it.
            if generation == self._generation:
                if len(self._entries) >= MOST_ENTRIES:
                    self._entries = {}
                self._entries[key] = (monotonic() + KEPT_SECONDS, value)
        return value

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._entries = {}


def record_of(organization: Organization) -> OrganizationRecord:
    return OrganizationRecord(
        id=organization.id,
        org_id=organization.org_id,
        name=organization.name,
        schema_name=organization.schema_name,
        status=str(organization.status),
        is_msp=organization.is_msp,
        tenant_id=organization.tenant_id,
        timezone=organization.timezone,
        tags=tuple(organization.tags),
        ready=organization.ready,
        config_version=organization.config_version,
    )


def _organization(found: Organization | None) -> OrganizationRecord | None:
    return record_of(found) if found else None


def _by_id(id_: UUID) -> OrganizationRecord | None:
    return _organization(Organization.objects.filter(id=id_).first())


def _by_org_id(org_id: str) -> OrganizationRecord | None:
    return _organization(Organization.objects.filter(org_id=org_id).first())


def _by_host(host: str) -> OrganizationRecord | None:
    domain = Domain.objects.select_related("tenant").filter(domain=host).first()
    return record_of(cast(Organization, domain.tenant)) if domain else None


def _the_msp(_: None) -> OrganizationRecord | None:
    return _organization(Organization.objects.filter(is_msp=True).first())


def _token(digest: str) -> TokenRecord | None:
    return _token_record(ApiToken.objects.filter(digest=digest).first())


def _token_by_id(id_: UUID) -> TokenRecord | None:
    return _token_record(ApiToken.objects.filter(id=id_).first())


def _active_person(id_: UUID) -> User | None:
    return User.objects.filter(id=id_, is_active=True).first()


def _token_record(found: ApiToken | None) -> TokenRecord | None:
    if found is None:
        return None
    return TokenRecord(
        id=found.id,
        name=found.name,
        organization_id=found.organization_id,
        permissions=frozenset(found.permissions),
        expires_at=found.expires_at,
        revoked_at=found.revoked_at,
        last_used_at=found.last_used_at,
        owner=found.owner_id,
    )


def _memberships(user_id: UUID) -> tuple[MembershipRecord, ...]:
    rows = Membership.objects.filter(user_id=user_id).select_related("organization").prefetch_related("organizations")
    return tuple(
        MembershipRecord(
            organization_id=row.organization_id,
            org_id=row.organization.org_id,
            is_msp=row.organization.is_msp,
            role=row.role,
            all_organizations=row.all_organizations,
            chosen=frozenset(chosen.id for chosen in row.organizations.all()),
            tags=frozenset(row.tags),
        )
        for row in rows
    )


def _branding(organization_id: UUID) -> BrandingRecord:
    row = Branding.objects.filter(organization_id=organization_id).values_list("name", "colour", "logo_digest").first()
    return BrandingRecord(*row) if row else BrandingRecord()


def _host(organization_id: UUID) -> str | None:
    found = Domain.objects.filter(tenant_id=organization_id).order_by("-is_primary", "domain").first()
    return str(found.domain) if found else None


def _groups(of: tuple[UUID, UUID]) -> frozenset[UUID]:
    user_id, organization_id = of
    groups = MemberGroup.objects.filter(organization_id=organization_id, members__user_id=user_id)
    return frozenset(groups.values_list("id", flat=True))


# Each takes its key and answers with a record, or None where there is none; memberships with a tuple.
organization_by_id = _Kept(_by_id)
organization_by_org_id = _Kept(_by_org_id)
organization_by_host = _Kept(_by_host)
token_by_digest = _Kept(_token)
token_by_id = _Kept(_token_by_id)
active_person = _Kept(_active_person)
memberships_of = _Kept(_memberships)
branding_of = _Kept(_branding)
host_of = _Kept(_host)
_groups_of = _Kept(_groups)
_msp = _Kept(_the_msp)


def msp() -> OrganizationRecord | None:
    """The MSP's own organization, where it was made."""
    return _msp(None)


def groups_of(user_id: UUID, organization_id: UUID) -> frozenset[UUID]:
    """The groups of the organization's members that the person is in."""
    return _groups_of((user_id, organization_id))


def forget() -> None:
    """Everything is looked up anew, in this process."""
    for kept in (
        organization_by_id,
        organization_by_org_id,
        organization_by_host,
        token_by_digest,
        token_by_id,
        active_person,
        memberships_of,
        branding_of,
        host_of,
        _groups_of,
        _msp,
    ):
        kept.forget()
