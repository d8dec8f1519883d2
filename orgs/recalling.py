"""Who started something a while ago, with what that one may do now: rights are looked up, never remembered."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from orgs import directory
from orgs.models import User
from orgs.permissions import EVERYTHING, SUBMIT_FORMS
from orgs.records import Actor, OrganizationRecord, TokenRecord
from orgs.resolver import permissions_in, token_permissions

_NOTHING: frozenset[str] = frozenset()


def recalled_actor(document: Mapping[str, str], organization: OrganizationRecord) -> Actor:
    """The actor of a record's `executed_by`. A person or token that is gone or shut out may do nothing any more;
    whoever came by a form's public link may still do just that.

    The platform itself and the command line may do everything in the organization.
    """
    kind, id_ = document["kind"], document["id"]
    permissions, token_name, staff = _NOTHING, "", False
    if kind == "user":
        permissions, staff = _of_person(UUID(id_), organization)
    elif kind == "token":
        permissions, token_name, staff = _of_token(UUID(id_), organization)
    elif kind == "public":
        permissions = frozenset({SUBMIT_FORMS})
    else:
        permissions, staff = frozenset({EVERYTHING}), kind == "command"
    return Actor(kind, id_, document["email"], document["name"], permissions, token_name=token_name, staff=staff)


def _of_person(user_id: UUID, organization: OrganizationRecord) -> tuple[frozenset[str], bool]:
    user: User | None = directory.active_person(user_id)
    if user is None:
        return _NOTHING, False
    memberships = directory.memberships_of(user_id)
    staff = user.is_superuser or any(membership.is_msp for membership in memberships)
    return permissions_in(user, memberships, organization), staff


def _of_token(token_id: UUID, organization: OrganizationRecord) -> tuple[frozenset[str], str, bool]:
    token: TokenRecord | None = directory.token_by_id(token_id)
    if token is None or token.revoked_at or (token.expires_at and token.expires_at <= timezone.now()):
        return _NOTHING, "", False
    own = directory.organization_by_id(token.organization_id)
    if own is None or not (own.is_msp or own.id == organization.id):
        return _NOTHING, token.name, False
    return token_permissions(token, own), token.name, own.is_msp
