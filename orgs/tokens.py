"""API tokens: made, shown once, kept as a hash, revoked.

A token has 256 random bits, so that a plain SHA-256 is enough and its look-up by digest tells nothing by its timing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orgs import audit, directory
from orgs.models import ApiToken
from orgs.permissions import EVERYTHING, PLATFORM_PERMISSIONS
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import shared_context

PREFIX = "bfr_"
_HINT_LENGTH = 10
_PERMISSION = re.compile(r"can[A-Z][A-Za-z0-9]{1,45}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token. `plain` is known here and nowhere else."""

    id: UUID
    plain: str


def digest(plain: str) -> str:
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def issue_token(
    organization: OrganizationRecord,
    name: str,
    permissions: Iterable[str],
    *,
    expires_at: datetime | None = None,
    created_by: str = "",
    actor: Actor = COMMAND_LINE,
    owner: UUID | None = None,
) -> IssuedToken:
    """Makes a token for the organization; for the MSP's own, one that may name any organization. With an `owner` it
    never does more than that person may at the time.

    Raises ValueError naming a permission that is none, or that only the MSP's tokens can have.
    """
    granted = check_permissions(permissions, msp=organization.is_msp)
    plain = PREFIX + secrets.token_urlsafe(32)
    with shared_context(), transaction.atomic():
        token = ApiToken.objects.create(
            organization_id=organization.id,
            name=name,
            digest=digest(plain),
            hint=plain[:_HINT_LENGTH],
            permissions=granted,
            owner_id=owner,
            created_by=created_by,
            expires_at=expires_at,
        )
        facts = {"name": name, "permissions": granted, "expiresAt": expires_at}
        audit.record(actor, "token.create", organization=organization, target=f"token:{token.id}", metadata=facts)
    directory.forget()
    return IssuedToken(token.id, plain)


def check_permissions(permissions: Iterable[str], *, msp: bool) -> list[str]:
    """The permissions in order, each once. Raises ValueError naming one that a token cannot have."""
    granted = sorted(set(permissions))
    if not granted:
        raise ValueError("A token needs at least one permission.")
    for permission in granted:
        if permission != EVERYTHING and not _PERMISSION.fullmatch(permission):
            raise ValueError(f"{permission!r} is not the name of a permission, such as canExecuteWorkflows.")
        if permission in PLATFORM_PERMISSIONS and not msp:
            raise ValueError(f"Only the MSP's own tokens can have {permission}.")
    return granted


def revoke_token(token_id: UUID, actor: Actor = COMMAND_LINE) -> bool:
    """Ends the token, at once in this process and within two seconds in others. False where it was revoked before."""
    with shared_context(), transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(id=token_id, revoked_at=None).first()
        if token is None:
            return False
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(
            actor,
            "token.revoke",
            organization=token.organization_id,
            target=f"token:{token.id}",
            metadata={"name": token.name},
        )
    directory.forget()
    return True
