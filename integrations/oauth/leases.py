"""Who may ask a provider for a token now, and what came of it.

A lease is two columns of the row that the tokens belong to, taken by one statement that compares and sets, on the
database's clock; so one process at a time asks, however many want to. It runs out by itself where its process was
killed. A lease that has run out and was taken by another writes nothing any more: every write compares it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from uuid6 import uuid7

from integrations.oauth import fleet
from integrations.oauth.asking import Refused
from integrations.oauth.kept_tokens import Kept
from integrations.oauth.models import LONGEST_ERROR, Connection, SharedToken
from integrations.oauth.records import Target
from integrations.oauth.words import LIVING, Grant, Status
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context

# Longer than a request to the provider and the vault's answers together may take.
LEASE = timedelta(seconds=60)
RETRY = timedelta(seconds=60)
# A customer's tenant may lack a consent, which is given there and not here.
RETRY_OF_A_TENANT = timedelta(minutes=15)
EARLY = timedelta(minutes=5)
# What a refresh token that is worth nothing is called.
DEAD = frozenset({"invalid_grant"})
FREE = {"lease": None, "refreshing_until": None}


def take(target: Target, *, force: bool = False) -> UUID | None:
    """A lease, or None where somebody else has it, has just stored another version, or has just failed.

    `force`: a person wants it now, whatever failed before.
    """
    lease = uuid7()
    free = Q(refreshing_until=None) | Q(refreshing_until__lt=Now())
    if not force:
        free &= Q(retry_at=None) | Q(retry_at__lt=Now()) | _of_another_account(target)
    with org_context(target.holder):
        _ensure(target)
        rows = _rows(target).filter(free, version=target.state.version)
        if not target.derived:
            rows = rows.filter(status__in=LIVING)
        return lease if rows.update(lease=lease, refreshing_until=Now() + LEASE) else None


def store(target: Target, lease: UUID, kept: Kept) -> bool:
    """What the vault has now is what holds; False where the lease was another's meanwhile."""
    values = {**_times(kept), "version": kept.version, "last_error": "", "retry_at": None, **FREE}
    if target.derived:
        values["connected_at"] = target.settings.connected_at
    else:
        values |= {"status": Status.CONNECTED, "refreshable": is_refreshable(target, kept)}
    return _settle(target, lease, values, problem="")


def fail(target: Target, lease: UUID, refused: Refused) -> bool:
    """A token that lives goes on living. Without a valid refresh token, only a person can help."""
    values: dict[str, Any] = {"last_error": refused.said[:LONGEST_ERROR], **FREE}
    if target.derived:
        wait = RETRY_OF_A_TENANT if refused.code in DEAD else RETRY
        values |= {"retry_at": Now() + wait, "connected_at": target.settings.connected_at}
    elif refused.code in DEAD:
        values |= {"status": Status.EXPIRED}
    else:
        values |= {"retry_at": Now() + RETRY} | ({} if target.state.alive else {"status": Status.FAILED})
    return _settle(target, lease, values, problem=in_our_words(refused))


def release(target: Target, lease: UUID) -> None:
    """Nobody was asked, so nothing is known."""
    with org_context(target.holder):
        _rows(target).filter(lease=lease).update(**FREE)


def connected(target: Target, kept: Kept, person: str) -> None:
    """A person has connected it: whatever a refresh was about, it is over. Call inside a transaction."""
    values = {
        **_times(kept),
        **FREE,
        "version": kept.version,
        "status": Status.CONNECTED,
        "refreshable": is_refreshable(target, kept),
        "connected_at": Now(),
        "connected_by": person[:254],
        "last_error": "",
        "retry_at": None,
    }
    Connection.objects.filter(id=target.settings.id).update(**values)
    fleet.note(target.owner, target.settings.id, problem="")


def dropped(organization: OrganizationRecord, connection: UUID, status: Status) -> None:
    """There are no tokens any more. Call inside a transaction, in the organization's schema."""
    values = {**FREE, "status": status, "refreshable": False, "expires_at": None, "refresh_at": None, "retry_at": None}
    Connection.objects.filter(id=connection).update(**values, last_error="")
    fleet.note(organization, connection, problem="")


def is_refreshable(target: Target, kept: Kept) -> bool:
    return target.settings.grant == Grant.CLIENT or bool(kept.given.refresh_token)


def in_our_words(refused: Refused) -> str:
    """Without what the provider said of the account."""
    if refused.code in DEAD:
        return "The provider does not accept the refresh token any more."
    if refused.code in {"no_answer", "address", "token_type"}:
        return refused.said
    return f"The provider refused: {refused.code}."


def _times(kept: Kept) -> dict[str, Any]:
    """By the database's clock: so long as the token has left to live by ours."""
    lifetime = kept.given.expires_in
    if lifetime is None:
        return {"expires_at": None, "refresh_at": None, "last_refreshed_at": Now()}
    left = timedelta(seconds=lifetime) - (timezone.now() - kept.given.given_at)
    early = min(EARLY, timedelta(seconds=lifetime) / 2)
    return {"expires_at": Now() + left, "refresh_at": Now() + (left - early), "last_refreshed_at": Now()}


def _settle(target: Target, lease: UUID, values: dict[str, Any], problem: str) -> bool:
    with org_context(target.holder), transaction.atomic():
        if not _rows(target).filter(lease=lease).update(**values):
            return False
        if not target.derived:
            fleet.note(target.owner, target.settings.id, problem)
        return True


def _rows(target: Target) -> Any:
    if target.derived:
        return SharedToken.objects.filter(connection=target.settings.id)
    return Connection.objects.filter(id=target.settings.id)


def _ensure(target: Target) -> None:
    if target.derived and target.state.version == 0:
        SharedToken.objects.bulk_create([SharedToken(connection=target.settings.id)], ignore_conflicts=True)


def _of_another_account(target: Target) -> Q:
    """What failed by the account from before a reconnect says nothing of the present one."""
    return ~Q(connected_at=target.settings.connected_at) if target.derived else Q(pk__in=[])
