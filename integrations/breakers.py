"""Circuit breakers: an outside service that has failed often in a short time is not asked for a while.

One row for each service, in the organization's schema, is what all processes go by: each change of it is one statement
that compares and sets, on the database's clock. No library fits: pybreaker and its like share their state by Redis or
not at all, and read it in one step and write it in another, where two processes would both begin the one trial.

Five failures within 30 s open a circuit for 30 s; then one call is let through as a trial, whose outcome closes it or
opens it again. A trial of which nothing is heard is given up after a minute.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction
from uuid6 import uuid7

from bifrost.sdk.errors import CircuitBreakerOpen
from integrations.models import CircuitBreaker
from orgs import audit
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import org_context

FAILURES = 5
WINDOW_SECONDS = 30
OPEN_SECONDS = 30
TRIAL_SECONDS = 60
ANOTHERS_TRIAL_SECONDS = 5.0  # a trial is mostly over by then
CLOSED_KEPT_SECONDS = 1.0
MOST_KEPT = 5_000

#: What a call says of the service: it answered, it failed, or neither is known.
Verdict = Literal["answered", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was let through; `trial`: as the one that tries an open circuit."""

    service: str
    trial: UUID | None = None


_ADMIT = """
WITH taken AS (
    UPDATE integrations_circuitbreaker SET state = 'half-open', trial = %(trial)s, changed_at = clock_timestamp(),
        until = clock_timestamp() + %(trial_seconds)s * interval '1 s'
    WHERE service = %(service)s AND state <> 'closed' AND until <= clock_timestamp()
    RETURNING service)
SELECT state, EXISTS (SELECT FROM taken), extract(epoch FROM until - clock_timestamp())::float8
FROM integrations_circuitbreaker WHERE service = %(service)s
"""

# Failures of calls that began before the circuit opened say nothing new, nor do those of a trial that was given up.
_FAILED = """
INSERT INTO integrations_circuitbreaker AS b (id, service, state, failures, reason, changed_at)
SELECT %(id)s, %(service)s, 'closed', ARRAY[now], %(reason)s, now FROM (SELECT clock_timestamp() AS now) clock
ON CONFLICT (service) DO UPDATE SET (state, failures, until, trial, reason, changed_at) = (
    SELECT CASE WHEN opens THEN 'open' ELSE b.state END,
        CASE WHEN opens THEN '{}' ELSE recent END,
        CASE WHEN opens THEN now + %(open_seconds)s * interval '1 s' END,
        NULL::uuid,
        %(reason)s,
        CASE WHEN opens THEN now ELSE b.changed_at END
    FROM (SELECT now, recent, b.trial IS NOT NULL OR cardinality(recent) >= %(failures)s AS opens FROM (
        SELECT now, now || ARRAY(
            SELECT t FROM unnest(b.failures) t WHERE t > now - %(window_seconds)s * interval '1 s') AS recent
        FROM (SELECT clock_timestamp() AS now) clock) seen) judged)
WHERE b.state = 'closed' OR b.trial = %(trial)s
"""

_closed: dict[tuple[UUID, str], float] = {}  # until when, by this process's clock, it is not looked up again


def known_closed(organization: OrganizationRecord, service: str) -> Admission | None:
    """What `admit` would answer, where this process knows it without a query."""
    name = _name(service)
    return Admission(name) if _closed.get((organization.id, name), 0.0) > time.monotonic() else None


def admit(organization: OrganizationRecord, service: str) -> Admission:
    """Lets a call through, which has to be reported. Raises CircuitBreakerOpen, with `retry_after`."""
    known = known_closed(organization, service)
    if known is not None:
        return known
    name, trial = _name(service), uuid7()
    row = _row(organization, _ADMIT, {"service": name, "trial": trial, "trial_seconds": TRIAL_SECONDS})
    state, taken, left = row or (CircuitBreaker.State.CLOSED, False, None)
    if taken:
        return Admission(name, trial)
    if state == CircuitBreaker.State.CLOSED:
        _keep_closed(organization, name)
        return Admission(name)
    raise _open(name, left if state == CircuitBreaker.State.OPEN and left > 0 else ANOTHERS_TRIAL_SECONDS)


def admission_of(service: str, trial: UUID | None) -> Admission:
    """One that was given before, here or elsewhere."""
    return Admission(_name(service), trial)


def report(organization: OrganizationRecord, admission: Admission, verdict: Verdict, reason: str = "") -> None:
    """Says what came of a call. `reason` names the kind of failure and holds nothing of a customer's.

    Where a trial's outcome says nothing of the service, the next call is the trial.
    """
    if verdict == "failed":
        _failed(organization, admission, reason)
    elif admission.trial is not None:
        _end_trial(organization, admission, _CLOSED if verdict == "answered" else _OPEN_NOW)


def close(organization: OrganizationRecord, *services: str, actor: Actor = COMMAND_LINE) -> int:
    """Lets calls through again, whatever has failed. Returns of how many services something kept them back."""
    names = [_name(service) for service in services]
    statement = f"""
        WITH changed AS (UPDATE integrations_circuitbreaker SET {_CLOSED}, {_SETTLED}
            WHERE service = ANY(%(names)s) AND state <> 'closed' RETURNING service)
        SELECT array_agg(service) FROM changed"""
    with transaction.atomic():
        row = _row(organization, statement, {"names": names})
        closed = row[0] if row is not None and row[0] else []
        targets = [f"circuit:{each}" for each in closed]
        audit.record_all([audit.event(actor, "circuit.close", organization=organization, target=to) for to in targets])
    return len(closed)


def forget() -> None:
    """What this process knows; for tests."""
    _closed.clear()


_CLOSED = "state = 'closed', until = NULL, failures = '{}'"
_OPEN_NOW = "state = 'open', until = clock_timestamp()"
_SETTLED = "trial = NULL, changed_at = clock_timestamp()"


def _end_trial(organization: OrganizationRecord, admission: Admission, values: str) -> None:
    """Unless it was given up, or a person has closed the circuit."""
    statement = f"""
        UPDATE integrations_circuitbreaker SET {values}, {_SETTLED}
        WHERE service = %(service)s AND trial = %(trial)s RETURNING id"""
    _row(organization, statement, {"service": admission.service, "trial": admission.trial})


def _failed(organization: OrganizationRecord, admission: Admission, reason: str) -> None:
    _closed.pop((organization.id, admission.service), None)
    values = {
        "id": uuid7(),
        "service": admission.service,
        "trial": admission.trial,
        "reason": reason[:200],
        "failures": FAILURES,
        "window_seconds": WINDOW_SECONDS,
        "open_seconds": OPEN_SECONDS,
    }
    _row(organization, f"{_FAILED} RETURNING id", values)


def _row(organization: OrganizationRecord, statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _keep_closed(organization: OrganizationRecord, service: str) -> None:
    if len(_closed) >= MOST_KEPT:
        _closed.clear()
    _closed[organization.id, service] = time.monotonic() + CLOSED_KEPT_SECONDS


def _name(service: str) -> str:
    return service.strip().lower()[:200]


def _open(service: str, seconds: float) -> CircuitBreakerOpen:
    return CircuitBreakerOpen(
        f'The circuit of "{service}" is open: it failed often and is not asked for {seconds:.0f} s.',
        integration=service,
        retry_after=round(seconds, 3),
    )
