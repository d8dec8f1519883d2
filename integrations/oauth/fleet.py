"""The one place that writes the shared schema's rows about connections."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models.functions import Now
from uuid6 import uuid7

from integrations.fleet.models import ConnectionUse, FleetConnection, SignIn
from integrations.oauth.models import Connection
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context

USE_NOTED_EVERY_SECONDS = 3600.0
USED_DAYS = 30
MOST_NOTED = 20_000
LONGEST_WORKFLOW = 100

_USE = """
INSERT INTO public.fleet_connectionuse AS u (id, connection, organization, workflow, last_used_at)
VALUES (%(id)s, %(connection)s, %(organization)s, %(workflow)s, statement_timestamp())
ON CONFLICT (connection, organization, workflow) DO UPDATE SET last_used_at = excluded.last_used_at
"""

_noted: dict[tuple[UUID, UUID, str], float] = {}


def note(organization: OrganizationRecord, connection: UUID, problem: str | None = None) -> None:
    """Copies what may be known of it. Call in the transaction that changed it, in the organization's schema.

    `problem`: the last error in our own words; None leaves what is there.
    """
    row = Connection.objects.get(id=connection)
    said = {} if problem is None else {"problem": problem[:200]}
    FleetConnection.objects.update_or_create(
        connection=connection,
        defaults={
            "organization": organization.id,
            "name": row.name,
            "provider": row.provider,
            "status": row.status,
            "shared": row.shared,
            "refreshable": row.refreshable,
            "expires_at": row.expires_at,
            "last_refreshed_at": row.last_refreshed_at,
            **said,
        },
    )


def forget_connection(connection: UUID) -> None:
    """It was deleted, and so is what used it."""
    FleetConnection.objects.filter(connection=connection).delete()
    ConnectionUse.objects.filter(connection=connection).delete()


def forget_organization(organization: OrganizationRecord) -> None:
    """A step of dropping it: its connections, and its uses of others'."""
    with shared_context():
        mine = FleetConnection.objects.filter(organization=organization.id).values("connection")
        ConnectionUse.objects.filter(connection__in=mine).delete()
        ConnectionUse.objects.filter(organization=organization.id).delete()
        FleetConnection.objects.filter(organization=organization.id).delete()
        SignIn.objects.filter(organization=organization.id).delete()


def is_noted(organization: OrganizationRecord, connection: UUID, workflow: str) -> bool:
    """Whether this process has written within the hour that the workflow uses it."""
    key = (connection, organization.id, workflow[:LONGEST_WORKFLOW])
    return _noted.get(key, 0.0) > time.monotonic()


def note_use(organization: OrganizationRecord, connection: UUID, workflow: str) -> None:
    """Writes that the workflow uses it. One statement."""
    key = (connection, organization.id, workflow[:LONGEST_WORKFLOW])
    if len(_noted) >= MOST_NOTED:
        _noted.clear()
    _noted[key] = time.monotonic() + USE_NOTED_EVERY_SECONDS
    values: dict[str, Any] = {
        "id": uuid7(),
        "connection": connection,
        "organization": organization.id,
        "workflow": key[2],
    }
    with org_context(organization), database.cursor() as cursor:
        cursor.execute(_USE, values)


def used_by(
    organization: OrganizationRecord, connections: Iterable[UUID], days: int = USED_DAYS
) -> dict[UUID, list[str]]:
    """Which of the organization's workflows have used each of them lately, by name. One query."""
    rows = ConnectionUse.objects.filter(
        organization=organization.id, connection__in=list(connections), last_used_at__gt=Now() - timedelta(days=days)
    )
    found: dict[UUID, list[str]] = {}
    with shared_context():
        for connection, workflow in rows.order_by("workflow").values_list("connection", "workflow"):
            found.setdefault(connection, []).append(workflow)
    return found


def forget() -> None:
    """What this process has noted; for tests."""
    _noted.clear()
