"""What the maintenance does for connections, whoever's turn it is: those that nobody used stay alive, and those that
have ended say so."""

from __future__ import annotations

import time
from uuid import UUID

import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models.functions import Now

from bifrost.sdk.errors import WorkflowException
from integrations.fleet.models import FleetConnection
from integrations.oauth import finding, fleet, refreshing
from integrations.oauth.models import Connection
from integrations.oauth.words import Status
from orgs import directory
from orgs.tenancy import org_context, shared_context

log = structlog.get_logger(__name__)

IDLE_DAYS = 7
AT_ONCE = 10
MOST_SECONDS = 60.0

# Whoever marks a row has it for an hour; another process takes others.
_IDLE = """
UPDATE public.fleet_fleetconnection f SET tried_at = statement_timestamp()
FROM (
    SELECT c.connection FROM public.fleet_fleetconnection c
    JOIN public.orgs_organization o ON o.id = c.organization AND o.ready AND o.status = 'active'
    WHERE c.refreshable AND (c.tried_at IS NULL OR c.tried_at < statement_timestamp() - interval '1 hour')
      AND (c.status = 'failed'
        OR c.status = 'connected' AND c.last_refreshed_at < statement_timestamp() - %(days)s * interval '1 day')
    ORDER BY c.last_refreshed_at LIMIT %(most)s FOR UPDATE OF c SKIP LOCKED) idle
WHERE f.connection = idle.connection
RETURNING f.organization, f.connection
"""


def refresh_idle() -> int:
    """Refreshes those that have not been for a week, and tries those that fail once an hour; a few at a time. Call in
    the shared schema, outside any transaction. Returns how many got a token."""
    with shared_context(), database.cursor() as cursor:
        cursor.execute(_IDLE, {"days": IDLE_DAYS, "most": AT_ONCE})
        found = cursor.fetchall()
    until = time.monotonic() + MOST_SECONDS
    return sum(_refresh(organization, id_) for organization, id_ in found if time.monotonic() < until)


def mark_ended() -> int:
    """Says of those that have ended and cannot be refreshed that a person is needed. Call in the shared schema."""
    with shared_context():
        ended = FleetConnection.objects.filter(status=Status.CONNECTED, refreshable=False, expires_at__lt=Now())
        found = list(ended.values_list("organization", "connection")[:100])
    return sum(_mark(organization, id_) for organization, id_ in found)


def _refresh(organization: UUID, connection: UUID) -> bool:
    found = directory.organization_by_id(organization)
    target = finding.find_by_id(found, connection) if found is not None else None
    try:
        return target is not None and refreshing.renew(target, force=True)
    except WorkflowException as error:
        # The vault is away, or this one cannot be asked for: the others have their turn.
        log.warning("an idle connection was not refreshed", connection=str(connection), error=error.message)
        return False


def _mark(organization: UUID, connection: UUID) -> bool:
    found = directory.organization_by_id(organization)
    if found is None:
        return False
    said = "The token has expired, and the provider gave no refresh token."
    with org_context(found), transaction.atomic():
        rows = Connection.objects.filter(
            id=connection, status=Status.CONNECTED, refreshable=False, expires_at__lt=Now()
        )
        if rows.update(status=Status.EXPIRED, last_error=said):
            fleet.note(found, connection, said)
            return True
    return False
