"""The one place that sends: a part of the maintenance, so never in an engine's process and never before the commit.

What is to be sent is claimed first, by a row that names the attempt. So two processes never send the same thing at the
same time, and what was written down as sent is never sent again. A process that dies between sending and writing
leaves it open whether it was sent: it is sent once more, with the same Message-ID and Idempotency-Key.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.utils import timezone

from orgs import directory
from orgs.records import OrganizationRecord
from workflows_app.alerts import letters, outgoing
from workflows_app.alerts.delivery import Nobody, NotDelivered, Ways
from workflows_app.alerts.letters import Letter, StaffAddresses
from workflows_app.alerts.outgoing import MOST_ATTEMPTS, Claim, Result
from workflows_app.serializers import timestamp

log = structlog.get_logger(__name__)

AT_ONCE = 20
SECONDS_A_TURN = 30.0


def send_due() -> int:
    """Sends what is due, for all organizations in turn, until nothing is or half a minute is over; the next turn goes
    on. Call in the shared schema. Returns how much was sent."""
    sent, ends, staff = 0, time.monotonic() + SECONDS_A_TURN, StaffAddresses()
    while time.monotonic() < ends and (claims := outgoing.claim(AT_ONCE)):
        by_organization: dict[UUID, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_organization[claim.organization].append(claim)
        with Ways() as ways:
            sent += sum(_send_of(id_, mine, ways, staff) for id_, mine in by_organization.items())
    return sent


def _send_of(id_: UUID, claims: Sequence[Claim], ways: Ways, staff: StaffAddresses) -> int:
    organization = directory.organization_by_id(id_)
    if organization is None:
        outgoing.drop(claims)
        return 0
    try:
        return _send(organization, claims, ways, staff)
    except DatabaseError:
        # One organization's trouble, such as a schema that is just being dropped, is not the others'.
        log.exception("alerts and notices were not sent", org_id=organization.org_id)
        outgoing.drop([claim for claim in claims if claim.attempt >= MOST_ATTEMPTS])
        return 0


def _send(organization: OrganizationRecord, claims: Sequence[Claim], ways: Ways, staff: StaffAddresses) -> int:
    found = letters.read(organization, {claim.item for claim in claims}, staff)
    if missing := [claim for claim in claims if claim.item not in found]:
        outgoing.drop(missing)
    sent = 0
    for claim in claims:
        if (letter := found.get(claim.item)) is not None:
            result = _attempt(claim, letter, ways)
            # At once: what follows may take long, and must not put this one in doubt.
            outgoing.record(organization, [result])
            sent += result.delivery["state"] == "sent"
    return sent


def _attempt(claim: Claim, letter: Letter, ways: Ways) -> Result:
    facts = {"attempts": claim.attempt, "at": timestamp(timezone.now())}
    if claim.attempt > MOST_ATTEMPTS:
        return Result(claim, {"state": "failed", **facts, "error": "Its sender was lost each time."})
    try:
        to = ways.send(claim.channel, letter)
    except Nobody as error:
        return Result(claim, {"state": "skipped", **facts, "error": str(error)})
    except NotDelivered as error:
        state = "waiting" if claim.attempt < MOST_ATTEMPTS else "failed"
        log.warning("not delivered", about=claim.about, item=str(claim.item), channel=claim.channel, error=str(error))
        return Result(claim, {"state": state, **facts, "error": str(error)})
    return Result(claim, {"state": "sent", **facts, **({"to": to} if to else {})})
