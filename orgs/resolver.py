"""Which actor a request has, and in which organization. The one place that decides it, for every door.

Credentials: `Authorization: Bearer`, `x-functions-key`, or a session. Organization: the path `/o/<org_id>/`, the host
name, the header X-Organization-Id, or an organization's own token. Customers' people and tokens are refused any
organization but theirs before it is looked up, so that an existing one answers like one that does not exist; for MSP
staff, one outside their scope is unknown.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils import timezone

from orgs import directory
from orgs.errors import (
    AccessDenied,
    OrganizationNotReady,
    OrganizationRequired,
    OrganizationSuspended,
    Unauthenticated,
    UnknownOrganization,
)
from orgs.models import ApiToken, Organization, User
from orgs.permissions import EVERYTHING, PLATFORM_PERMISSIONS
from orgs.records import Access, Actor, MembershipRecord, OrganizationRecord, TokenRecord
from orgs.tenancy import shared_context
from orgs.tokens import PREFIX, digest

ORGANIZATION_HEADER = "X-Organization-Id"
LAST_USED_EVERY = timedelta(minutes=1)

_BAD_TOKEN = "The token is unknown, revoked or expired."
_NO_ACCESS = "These credentials give no access to the organization that the request names."


def resolve(request: HttpRequest) -> Access:
    """Who makes the request, and in which organization (None where it names none). Asked again, it answers the same.

    Raises what `orgs.errors` describes; nothing of any organization's data was read then. A session's request still
    needs its CSRF token: Django's middleware or `orgs.authentication` sees to that.
    """
    known: Access | None = getattr(request, "access", None)
    if known is None:
        plain = credentials(request)
        known = _of_token(request, plain) if plain else _of_session(request)
        request.access = known  # type: ignore[attr-defined]
    return known


def credentials(request: HttpRequest) -> str:
    """The token that the request carries; "" where it carries none. Raises Unauthenticated for another scheme."""
    authorization = request.headers.get("Authorization", "").strip()
    if not authorization:
        return request.headers.get("X-Functions-Key", "").strip()
    scheme, _, plain = authorization.partition(" ")
    if scheme.lower() != "bearer" or not plain.strip():
        raise Unauthenticated("The header Authorization must be: Bearer <token>.")
    return plain.strip()


# --- Tokens ------------------------------------------------------------------------------------------------------


def _of_token(request: HttpRequest, plain: str) -> Access:
    token = _valid(plain)
    own = directory.organization_by_id(token.organization_id)
    if own is None:
        raise Unauthenticated(_BAD_TOKEN)
    organization = _open(_any_named(request) if own.is_msp else _own(request, own))
    if own.is_msp:
        _open(own)
    permissions = token_permissions(token, own)
    if not permissions:
        raise Unauthenticated(_BAD_TOKEN)
    _remember_use(token)
    # One person is one person, also where four eyes are asked for.
    owner = directory.active_person(token.owner) if token.owner else None
    email = owner.email if owner else ""
    actor = Actor("token", str(token.id), email, token.name, permissions, token_name=token.name, staff=own.is_msp)
    return Access(actor, organization)


def token_permissions(token: TokenRecord, own: OrganizationRecord) -> frozenset[str]:
    """What the token may do now, nothing where its owner is gone. A person's own does no more than that person may."""
    if token.owner is None:
        return token.permissions
    user = directory.active_person(token.owner)
    if user is None:
        return frozenset()
    held = permissions_in(user, directory.memberships_of(token.owner), own)
    everything = EVERYTHING in held
    return frozenset(each for each in token.permissions if each in held or everything) - PLATFORM_PERMISSIONS


def _valid(plain: str) -> TokenRecord:
    token = directory.token_by_digest(digest(plain)) if plain.startswith(PREFIX) else None
    if token is None or token.revoked_at or (token.expires_at and token.expires_at <= timezone.now()):
        raise Unauthenticated(_BAD_TOKEN)
    return token


def _own(request: HttpRequest, own: OrganizationRecord) -> OrganizationRecord:
    """The token's own organization. Raises AccessDenied where the request names another, existing or not."""
    host = organization_of_host(request)
    if _names(request) - {own.org_id} or (host and host.id != own.id):
        raise AccessDenied(_NO_ACCESS)
    return own


_used: dict[UUID, datetime] = {}
_used_lock = threading.Lock()


def _remember_use(token: TokenRecord) -> None:
    """Writes `last_used_at` at most once a minute, however many processes see the token."""
    now = timezone.now()
    before = now - LAST_USED_EVERY
    with _used_lock:
        last = max(filter(None, (_used.get(token.id), token.last_used_at)), default=None)
        if last and last > before:
            return
        _used[token.id] = now
    with shared_context():
        ApiToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=before), id=token.id).update(
            last_used_at=now
        )


# --- People ------------------------------------------------------------------------------------------------------


def _of_session(request: HttpRequest) -> Access:
    user = getattr(request, "user", AnonymousUser())
    if not isinstance(user, User) or not user.is_active:
        raise Unauthenticated("Give a token (Authorization: Bearer <token>) or sign in.")
    memberships = directory.memberships_of(user.id)
    organization = _open(_organization_for(request, user, memberships))
    permissions = permissions_in(user, memberships, organization)
    staff = user.is_superuser or any(membership.is_msp for membership in memberships)
    return Access(
        Actor("user", str(user.id), user.email, user.name or user.email, permissions, staff=staff), organization
    )


def _organization_for(
    request: HttpRequest, user: User, memberships: tuple[MembershipRecord, ...]
) -> OrganizationRecord | None:
    if user.is_superuser:
        return _any_named(request)
    if any(membership.is_msp for membership in memberships):
        organization = _any_named(request)
        if organization and not any(membership.covers(organization) for membership in memberships):
            raise _unknown(organization.org_id)
        return organization
    host = organization_of_host(request)
    named = _names(request) | ({host.org_id} if host else set())
    if named - {membership.org_id for membership in memberships}:
        raise AccessDenied(_NO_ACCESS)
    return _any_named(request)


def permissions_in(
    user: User, memberships: tuple[MembershipRecord, ...], organization: OrganizationRecord | None
) -> frozenset[str]:
    """What the person may do in the organization; outside any, what staff may do with the platform."""
    if user.is_superuser:
        return PLATFORM_PERMISSIONS | {EVERYTHING}
    return frozenset().union(*(membership.permissions_in(organization) for membership in memberships))


# --- Organizations -----------------------------------------------------------------------------------------------


def organization_of_host(request: HttpRequest) -> OrganizationRecord | None:
    """The organization whose domain the request was sent to."""
    host, _ = split_domain_port(request.get_host())
    return directory.organization_by_host(host)


def _names(request: HttpRequest) -> set[str]:
    """The org_ids that the request gives in words: in its path (see `orgs.middleware`) and its header."""
    given = (getattr(request, "path_org_id", ""), request.headers.get(ORGANIZATION_HEADER, "").strip())
    return {name for name in given if name}


def _any_named(request: HttpRequest) -> OrganizationRecord | None:
    """The organization that the request names, for those who may name any."""
    names = _names(request)
    if host := organization_of_host(request):
        names.add(host.org_id)
    if len(names) > 1:
        raise OrganizationRequired("The request names two organizations, by its path, its host or its header.")
    for name in names:
        # NUL is no character for the database.
        found = None if "\0" in name else directory.organization_by_org_id(name)
        if found is None:
            raise _unknown(name)
        return found
    return None


def _unknown(name: str) -> UnknownOrganization:
    return UnknownOrganization(f"There is no organization {name[:63]!r}.", {"organization": name[:63]})


def _open(organization: OrganizationRecord | None) -> OrganizationRecord | None:
    """The organization, if its doors are open."""
    if organization is None:
        return None
    if organization.status == Organization.Status.SUSPENDED:
        raise OrganizationSuspended(f"The organization {organization.org_id} is suspended.")
    if not organization.ready:
        raise OrganizationNotReady(
            f"The organization {organization.org_id} is being set up or updated; try again shortly."
        )
    return organization
