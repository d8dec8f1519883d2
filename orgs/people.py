"""What a person changes of his own account, and the tokens that are his own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orgs import audit, directory
from orgs.models import ApiToken, User
from orgs.permissions import EVERYTHING, ORGANIZATION_PERMISSIONS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context
from orgs.tokens import IssuedToken, issue_token, revoke_token

MOST_TOKENS = 50


@dataclass(frozen=True, slots=True)
class OwnToken:
    id: UUID
    name: str
    hint: str
    permissions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    expired: bool


def change_profile(user: User, actor: Actor, *, name: str, timezone: str, request_emails: str) -> None:
    """A person's own name and time zone, and of which own requests an e-mail tells."""
    given = {"name": name, "timezone": timezone, "request_emails": request_emails}
    changed = [field for field, value in given.items() if getattr(user, field) != value]
    if not changed:
        return
    for field in changed:
        setattr(user, field, given[field])
    with shared_context(), transaction.atomic():
        user.save(update_fields=changed)
        record_change(actor, user, changed)
    directory.forget()


def record_change(actor: Actor, user: User, fields: Sequence[str]) -> None:
    """Tells the audit log that these were changed of an account, in the transaction of the change."""
    facts = {"email": user.email, "fields": list(fields)}
    audit.record(actor, "user.change", target=f"user:{user.id}", metadata=facts)


def permissions_to_give(actor: Actor) -> list[str]:
    """What a token of this person's own can be allowed: no more than the person may."""
    return sorted(permission for permission in ORGANIZATION_PERMISSIONS if actor.can(permission))


def list_tokens(organization: OrganizationRecord, user_id: UUID) -> list[OwnToken]:
    """The person's own of this organization that were not revoked, newest first. One query."""
    now = timezone.now()
    with shared_context():
        rows = ApiToken.objects.filter(organization_id=organization.id, owner_id=user_id, revoked_at=None)
        return [
            OwnToken(
                id=row.id,
                name=row.name,
                hint=row.hint,
                permissions=tuple(row.permissions),
                created_at=row.created_at,
                expires_at=row.expires_at,
                last_used_at=row.last_used_at,
                expired=bool(row.expires_at and row.expires_at <= now),
            )
            for row in rows.order_by("-created_at")[:MOST_TOKENS]
        ]


def make_token(
    organization: OrganizationRecord,
    user: User,
    actor: Actor,
    name: str,
    permissions: Iterable[str],
    expires_at: datetime | None,
) -> IssuedToken:
    """A token of the person's own. Raises ValueError for a permission that the person has not.

    There is none in the MSP's own organization: tokens there may name any customer, whatever the person's scope.
    """
    asked = list(permissions)
    if organization.is_msp or not asked or EVERYTHING in asked or not all(actor.can(each) for each in asked):
        raise ValueError("A token of one's own can do no more than one may do oneself.")
    return issue_token(
        organization,
        name,
        asked,
        expires_at=expires_at,
        created_by=user.email,
        actor=actor,
        owner=user.id,
    )


def revoke_own(organization: OrganizationRecord, user_id: UUID, token_id: UUID, actor: Actor) -> bool:
    """Ends one of the person's own tokens; False where there is none, also for somebody else's."""
    with shared_context():
        own = ApiToken.objects.filter(organization_id=organization.id, owner_id=user_id, id=token_id, revoked_at=None)
        found = own.exists()
    return found and revoke_token(token_id, actor)
