"""The one place where an alert comes into being."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction

from bifrost.sdk.documents import plain, size
from bifrost.sdk.sanitizing import cut, redact_keys
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.alerts.models import Severity

log = structlog.get_logger(__name__)

WAITING = {"state": "waiting", "attempts": 0}
LONGEST_TITLE = 200
LONGEST_MESSAGE = 5_000
MOST_DETAIL_BYTES = 32_000

# A thin row for the staff's first page while it is open, and one for each way in which a new one is to be sent.
_RAISE = """
WITH raised AS (
    INSERT INTO workflows_app_alert AS a (id, kind, severity, title, message, details, execution, workflow, key, count,
        state, deliveries)
    VALUES (uuidv7(), %(kind)s, %(severity)s, %(title)s, %(message)s, %(details)s::jsonb, %(execution)s::uuid,
        %(workflow)s, %(key)s, 1, 'open', %(deliveries)s::jsonb)
    ON CONFLICT (key) WHERE NOT (state = 'resolved')
        DO UPDATE SET count = a.count + 1, last_raised_at = greatest(a.last_raised_at, now())
    RETURNING a.id, a.kind, a.severity, a.state, a.count, a.last_raised_at
),
shown AS (
    INSERT INTO public.dispatch_openalert (alert, organization, kind, severity, raised_at)
    SELECT id, %(organization)s::uuid, kind, severity, last_raised_at FROM raised WHERE state = 'open'
    ON CONFLICT (alert) DO UPDATE SET raised_at = excluded.raised_at
),
outgoing AS (
    INSERT INTO public.dispatch_outgoing (id, organization, about, item, channel)
    SELECT uuidv7(), %(organization)s::uuid, 'alert', raised.id, channel
    FROM raised, jsonb_object_keys(%(deliveries)s::jsonb) AS channel WHERE raised.count = 1
)
SELECT id, count FROM raised
"""


def raise_alert(  # noqa: PLR0913 - each is a column
    organization: OrganizationRecord,
    kind: str,
    title: str,
    message: str,
    *,
    severity: str = "error",
    key: str,
    execution: UUID | None = None,
    workflow: str = "",
    details: Mapping[str, Any] | None = None,
) -> UUID:
    """The id of the new alert, or of the one with this key that is not resolved: that one counts once more, keeps what
    it says, and is not sent again.

    Part of the caller's transaction where there is one, of whichever schema; nothing is sent before it commits, and
    nothing at all where it does not. One statement. `details` are redacted by key and cut; title and message are
    sent as they are given, so they must hold no secret.
    """
    values: dict[str, Any] = {
        "organization": organization.id,
        "kind": one_line(kind, 50),
        "severity": Severity(severity).value,
        "title": one_line(title, LONGEST_TITLE),
        "message": str(plain(message))[:LONGEST_MESSAGE],
        "details": json.dumps(_shown(details or {})),
        "execution": execution,
        "workflow": one_line(workflow, 100),
        "key": one_line(key, 300),
        "deliveries": json.dumps({channel: WAITING for channel in channels()}),
    }
    with org_context(organization), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RAISE, values)
        id_, count = cursor.fetchone()
    log.warning("alert", org_id=organization.org_id, alert=str(id_), kind=values["kind"], count=count)
    return UUID(str(id_))


def channels() -> list[str]:
    """How alerts are sent, beside the staff's pages: what the settings allow."""
    webhook = ["webhook"] if settings.ALERTS["webhook_url"] else []
    return [*email_channel(), *webhook]


def email_channel() -> list[str]:
    """No e-mail is sent before somebody has said by which server."""
    return [] if settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend") else ["email"]


def one_line(text: object, longest: int) -> str:
    """Fit for a column, and for the header of an e-mail."""
    return " ".join(str(plain(str(text))).split())[:longest]


def _shown(details: Mapping[str, Any]) -> Any:
    shown = cut(redact_keys(plain(dict(details))))
    return shown if (length := size(shown)) <= MOST_DETAIL_BYTES else {"omitted": f"{length:,} bytes"}
