"""What is still to be sent, of all organizations: claimed before it is sent, gone when that was written down."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.dispatch.models import Outgoing

# A claim of which nothing was heard for so long is taken for lost. Longer than a batch can take.
LOST_AFTER = timedelta(minutes=10)
MOST_ATTEMPTS = 5
FIRST_PAUSE = timedelta(minutes=1)

# In turn over organizations whose schema is complete, alerts before notices. Rows that another process is about to
# claim are left to it.
_CLAIM = """
WITH turn AS (
    SELECT g.id, g.due_at, row_number() OVER (PARTITION BY g.organization ORDER BY g.about, g.due_at, g.id) AS place
    FROM public.dispatch_outgoing g LEFT JOIN public.orgs_organization o ON o.id = g.organization
    WHERE g.due_at <= now() AND coalesce(o.ready, true)
),
chosen AS (SELECT id FROM turn ORDER BY place, due_at LIMIT %s),
free AS (
    SELECT o.id FROM public.dispatch_outgoing o JOIN chosen USING (id) WHERE o.due_at <= now()
    FOR UPDATE OF o SKIP LOCKED
)
UPDATE public.dispatch_outgoing o SET attempts = o.attempts + 1, due_at = now() + make_interval(secs => %s)
FROM free WHERE o.id = free.id
RETURNING o.id, o.organization, o.about, o.item, o.channel, o.attempts
"""
# The organization's own rows say what came of it, in the transaction that takes the shared ones away.
_RECORD = """
WITH result AS (SELECT * FROM jsonb_to_recordset(%(results)s::jsonb) AS r(item uuid, deliveries jsonb)),
alerts AS (
    UPDATE workflows_app_alert a SET deliveries = a.deliveries || result.deliveries FROM result WHERE a.id = result.item
),
notices AS (
    UPDATE workflows_app_notice n SET deliveries = n.deliveries || result.deliveries FROM result
    WHERE n.id = result.item
),
over AS (DELETE FROM public.dispatch_outgoing WHERE id = ANY(%(over)s::uuid[]))
UPDATE public.dispatch_outgoing o SET due_at = now() + make_interval(secs => again.seconds)
FROM jsonb_to_recordset(%(again)s::jsonb) AS again(id uuid, attempts int, seconds float8)
WHERE o.id = again.id AND o.attempts = again.attempts
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing to be sent in one way, by whoever holds this. `attempt`: which one this is, from 1."""

    id: UUID
    organization: UUID
    about: str
    item: UUID
    channel: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. `delivery` is kept at the alert or notice."""

    claim: Claim
    delivery: dict[str, Any]

    @property
    def over(self) -> bool:
        return bool(self.delivery["state"] != "waiting")


def claim(most: int) -> list[Claim]:
    """Takes what is due. In one statement, however many organizations there are."""
    with shared_context(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [most, LOST_AFTER.total_seconds()])
        return [Claim(*row) for row in cursor.fetchall()]


def record(organization: OrganizationRecord, results: Sequence[Result]) -> None:
    """Writes what came of these, all of the one organization. One statement."""
    deliveries: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for result in results:
        deliveries[result.claim.item][result.claim.channel] = result.delivery
    again = [result.claim for result in results if not result.over]
    values: dict[str, Any] = {
        "results": json.dumps([{"item": str(item), "deliveries": made} for item, made in deliveries.items()]),
        "over": [result.claim.id for result in results if result.over],
        "again": json.dumps(
            [{"id": str(each.id), "attempts": each.attempt, "seconds": _pause(each).total_seconds()} for each in again]
        ),
    }
    with org_context(organization), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RECORD, values)


def drop(claims: Sequence[Claim]) -> None:
    """There is nothing to send any more."""
    with shared_context():
        Outgoing.objects.filter(id__in=[each.id for each in claims]).delete()


def _pause(claim: Claim) -> timedelta:
    """Until the next attempt: a minute, then twice as long each time."""
    return FIRST_PAUSE * int(2 ** (claim.attempt - 1))
