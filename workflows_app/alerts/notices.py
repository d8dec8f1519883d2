"""Notes to people: each an entry of somebody's inbox, and an e-mail where there is an address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from bifrost.sdk.documents import plain
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.alerts.models import Notice
from workflows_app.alerts.raising import WAITING, email_channel, one_line
from workflows_app.errors import UnknownNotice

NO_NOTICE = "There is no such notice."
LONGEST_SUBJECT = 200
LONGEST_MESSAGE = 20_000

_LEAVE = """
WITH left_now AS (
    INSERT INTO workflows_app_notice (
        id, key, recipient, email, subject, message, execution, workflow, about, approval, deliveries)
    SELECT uuidv7(), %(key)s, r.recipient, r.email, %(subject)s, %(message)s, %(execution)s::uuid, %(workflow)s,
        %(about)s, %(approval)s::uuid,
        CASE WHEN r.email = '' THEN '{}' ELSE %(deliveries)s::jsonb END
    FROM jsonb_to_recordset(%(recipients)s::jsonb) AS r(recipient text, email text)
    ON CONFLICT (key, recipient) DO NOTHING
    RETURNING id, deliveries
),
outgoing AS (
    INSERT INTO public.dispatch_outgoing (id, organization, about, item, channel)
    SELECT uuidv7(), %(organization)s::uuid, 'notice', left_now.id, channel
    FROM left_now, jsonb_object_keys(left_now.deliveries) AS channel
)
SELECT count(*) FROM left_now
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets it: `name` is a kind and an id, or email and the address. Without an address it is not sent."""

    name: str
    email: str

    @classmethod
    def at(cls, address: str) -> Recipient:
        return cls(f"email:{address.lower()}", address.lower())

    @classmethod
    def of(cls, actor: Actor) -> Recipient:
        return cls(_name(actor), actor.email.lower())


@dataclass(frozen=True, slots=True)
class Note:
    """What a notice says, and which execution says so; `about`: what the platform itself tells of. `approval`: which
    one it asks for."""

    subject: str
    message: str
    execution: UUID | None = None
    workflow: str = ""
    about: str = ""
    approval: UUID | None = None


def leave(organization: OrganizationRecord, key: str, note: Note, recipients: Sequence[Recipient]) -> int:
    """Leaves it for each recipient; for one who has it under this key already, nothing is done. Part of the caller's
    transaction where there is one. One statement. Returns for how many it was new."""
    everybody = {recipient.name: recipient for recipient in recipients}.values()
    values: dict[str, Any] = {
        "organization": organization.id,
        "key": one_line(key, 600),
        "subject": one_line(note.subject, LONGEST_SUBJECT),
        "message": str(plain(note.message))[:LONGEST_MESSAGE],
        "execution": note.execution,
        "workflow": note.workflow,
        "about": note.about,
        "approval": note.approval,
        "recipients": json.dumps([{"recipient": each.name[:340], "email": each.email[:254]} for each in everybody]),
        "deliveries": json.dumps({channel: WAITING for channel in email_channel()}),
    }
    with org_context(organization), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LEAVE, values)
        return int(cursor.fetchone()[0])


def mark_read(organization: OrganizationRecord, notice: UUID, actor: Actor) -> None:
    """Notes when it was first read. Raises UnknownNotice, also for somebody else's."""
    with org_context(organization):
        found = Notice.objects.filter(own(actor), id=notice)
        if not found.update(read_at=Coalesce("read_at", Now())):
            raise UnknownNotice(NO_NOTICE)


def mark_all_read(organization: OrganizationRecord, actor: Actor) -> int:
    """The same for all of the actor's own. Returns how many were new."""
    with org_context(organization):
        return Notice.objects.filter(own(actor), read_at=None).update(read_at=Now())


def own(actor: Actor) -> Q:
    """Which notices are this one's: those left for that one, and those for a person's own address."""
    mine = Q(recipient=_name(actor))
    if actor.kind == "user" and actor.email:
        mine |= Q(email=actor.email.lower()) & ~Q(email="")
    return mine


def _name(actor: Actor) -> str:
    return f"{actor.kind}:{actor.id}"
