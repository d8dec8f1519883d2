"""OAuth connections that are about to end or have ended, told before workflows fail by them, and once.

A mark at the connection's thin row says what an alert tells of it; whoever moves the mark raises or resolves the alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction

from integrations.fleet.models import FleetConnection
from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.alerts.handling import resolve_key
from workflows_app.alerts.raising import raise_alert
from workflows_app.connections.breaking import words_for

log = structlog.get_logger(__name__)

KIND = "connection"
DAYS_BEFORE = 3
AT_ONCE = 100
Alerted = FleetConnection.Alerted

# A new token every hour is no end; one that nobody can renew is. One that was never connected has nothing to lose.
_JUDGED = """
SELECT judged.* FROM (
    SELECT c.connection, c.organization, c.name, c.status, c.expires_at, c.problem, c.alerted,
        CASE WHEN c.status IN ('expired', 'failed') THEN 'dead'
            WHEN c.status = 'connected' AND NOT c.refreshable
                AND c.expires_at < statement_timestamp() + %(days)s * interval '1 day' THEN 'dying'
            ELSE '' END AS due
    FROM public.fleet_fleetconnection c
    JOIN public.orgs_organization o ON o.id = c.organization AND o.ready AND o.status = 'active') judged
WHERE judged.due <> judged.alerted ORDER BY judged.connection LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """A connection of which alerts do not say yet how it is."""

    connection: UUID
    organization: UUID
    name: str
    status: str
    expires_at: datetime | None
    problem: str
    alerted: str
    due: str


def watch_connections() -> int:
    """Call in the shared schema. One statement that looks, and a few for each that has changed. Returns how many."""
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_JUDGED, {"days": DAYS_BEFORE, "most": AT_ONCE})
        found = [Judged(*row) for row in cursor.fetchall()]
    return sum(_tell(judged) for judged in found)


def _tell(judged: Judged) -> bool:
    organization = directory.organization_by_id(judged.organization)
    if organization is None:
        return False
    rows = FleetConnection.objects.filter(connection=judged.connection, alerted=judged.alerted, status=judged.status)
    try:
        with org_context(organization), transaction.atomic():
            if not rows.update(alerted=judged.due):
                return False  # another process has told of it
            if judged.alerted:
                resolve_key(organization, _key(judged, judged.alerted))
            if judged.due:
                _raise(organization, judged)
            return True
    except DatabaseError:
        # One organization's trouble, such as a schema that is just being dropped, is not the others'.
        log.exception("a connection was not reported", org_id=organization.org_id)
        return False


def _raise(organization: OrganizationRecord, judged: Judged) -> None:
    dead = judged.due == Alerted.DEAD
    title = f"The connection {judged.name} " + ("does not work any more" if dead else "is about to end")
    facts: dict[str, Any] = {"connectionId": str(judged.connection), "name": judged.name, "status": judged.status}
    raise_alert(
        organization,
        KIND,
        title,
        f"{_reason(judged)} {words_for(judged.connection)}\n\n"
        f"Reconnect it on the page Connections of {organization.name}.",
        severity="critical" if dead else "warning",
        key=_key(judged, judged.due),
        details=facts,
    )


def _reason(judged: Judged) -> str:
    if judged.due == Alerted.DEAD:
        return judged.problem or "Its token has expired."
    ends = f"{judged.expires_at:%Y-%m-%d %H:%M} UTC" if judged.expires_at else "soon"
    return f"Its token ends at {ends}, and the provider gave nothing to renew it by."


def _key(judged: Judged, what: str) -> str:
    return f"{KIND}:{what}:{judged.connection}"
