"""Asking somebody to join an organization: a link that works once and not for long.

The link proves that its bearer reads the mail of the address. It makes an account where there is none; where there is
one, its bearer must also sign in to it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import password_validation
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from orgs import audit, directory
from orgs.entering import is_open
from orgs.errors import Refused
from orgs.members import join, roles_to_give
from orgs.models import Invitation, Membership, User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context
from orgs.tokens import digest

VALID_FOR = timedelta(days=7)
MOST_PENDING = 200


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that is not accepted yet."""

    id: UUID
    email: str
    role: str
    invited_by: str
    expires_at: datetime
    expired: bool


def invite(organization: OrganizationRecord, email: str, role: str, actor: Actor) -> str:
    """Makes an invitation in place of an earlier one, and returns its secret, which is known here and nowhere else.

    Raises Refused, in words for people.
    """
    email = email.strip().lower()
    if role not in roles_to_give(organization, actor):
        raise Refused(_("You cannot give this role."))
    secret = secrets.token_urlsafe(32)
    with shared_context(), transaction.atomic():
        if Membership.objects.filter(organization_id=organization.id, user__email=email).exists():
            raise Refused(_("%(email)s is a member already.") % {"email": email})
        if _pending(organization).count() >= MOST_PENDING:
            raise Refused(_("There are too many open invitations. Withdraw some first."))
        _pending(organization).filter(email=email).update(withdrawn_at=timezone.now())
        made = Invitation.objects.create(
            organization_id=organization.id,
            email=email,
            role=role,
            digest=digest(secret),
            invited_by=actor.email or actor.name,
            expires_at=timezone.now() + VALID_FOR,
        )
        _record(actor, "invitation.create", made)
    return secret


def list_invitations(organization: OrganizationRecord) -> list[Invited]:
    """Those that nobody has accepted or withdrawn, newest first. One query."""
    now = timezone.now()
    with shared_context():
        return [
            Invited(row.id, row.email, row.role, row.invited_by, row.expires_at, row.expires_at <= now)
            for row in _pending(organization).order_by("-created_at")[:MOST_PENDING]
        ]


def withdraw(organization: OrganizationRecord, invitation: UUID, actor: Actor) -> None:
    """Its link does nothing any more. Of one that is over already, nothing is done."""
    with shared_context(), transaction.atomic():
        row = _pending(organization).select_for_update().filter(id=invitation).first()
        if row:
            row.withdrawn_at = timezone.now()
            row.save(update_fields=["withdrawn_at"])
            _record(actor, "invitation.withdraw", row)


def find(organization: OrganizationRecord | None, secret: str) -> Invitation | None:
    """The invitation that the link's secret opens there, if it still does."""
    if organization is None or not is_open(organization):
        return None
    with shared_context():
        return _valid(organization).filter(digest=digest(secret)).first()


def account_of(invitation: Invitation) -> User | None:
    """The account of the invited address, where there is one."""
    with shared_context():
        return User.objects.filter(email=invitation.email).first()


def accept_anew(organization: OrganizationRecord, invitation: Invitation, name: str, password: str) -> User:
    """Makes the account, and the member. Raises Refused where the link is used up, ValidationError for the password."""
    user = User(email=invitation.email, name=name)
    password_validation.validate_password(password, user)
    user.set_password(password)
    with shared_context():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
                _accept(organization, invitation, user)
        except IntegrityError:
            raise Refused(_("There is an account for this address by now. Open the link once more.")) from None
    directory.forget()
    return user


def accept(organization: OrganizationRecord, invitation: Invitation, user: User) -> None:
    """Makes the owner of the account, who has signed in to it, a member. Raises Refused where the link is used up."""
    if user.email != invitation.email or not user.is_active:
        raise Refused(_("This invitation is for another account."))
    with shared_context(), transaction.atomic():
        _accept(organization, invitation, user)
    directory.forget()


def _accept(organization: OrganizationRecord, invitation: Invitation, user: User) -> None:
    # Whoever changes the row is the first; the link works once.
    if not _valid(organization).filter(id=invitation.id).update(accepted_at=timezone.now()):
        raise Refused(_("This link was used already, or its time is over."))
    actor = Actor("user", str(user.id), user.email, user.name or user.email, frozenset())
    join(organization, user.id, user.email, invitation.role, actor)


def _pending(organization: OrganizationRecord) -> QuerySet[Invitation]:
    return Invitation.objects.filter(organization_id=organization.id, accepted_at=None, withdrawn_at=None)


def _valid(organization: OrganizationRecord) -> QuerySet[Invitation]:
    return _pending(organization).filter(expires_at__gt=timezone.now())


def _record(actor: Actor, done: str, row: Invitation) -> None:
    facts = {"email": row.email, "role": row.role}
    audit.record(actor, done, organization=row.organization_id, target=f"invitation:{row.id}", metadata=facts)
