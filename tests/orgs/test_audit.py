"""The audit log itself: an event is written with its change or not at all, shows no secret, and goes in its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from orgs import audit
from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import events, log
from tests.factories import make_actor

ADA = make_actor()


def test_an_event_says_who_did_what_to_what_and_where(acme: OrganizationRecord) -> None:
    execution = uuid7()

    with transaction.atomic():
        audit.record(
            ADA,
            "schedule.set",
            organization=acme,
            target="schedule:nightly: all",
            metadata={"cron": "0 2 * * *"},
            execution=execution,
        )

    [event] = events()
    assert (event.actor_kind, event.actor_id, event.actor_email, event.actor_name) == (
        "user",
        "user-1",
        "ada@example.com",
        "Ada",
    )
    assert (event.organization, event.operation, event.execution) == (acme.id, "schedule.set", execution)
    assert (event.object_kind, event.object_id) == ("schedule", "nightly: all")
    assert event.metadata == {"cron": "0 2 * * *"}
    assert abs(event.at - datetime.now(UTC)) < timedelta(minutes=5)


def test_it_is_one_insert_inside_an_organizations_context_too(acme: OrganizationRecord) -> None:
    with org_context(acme), transaction.atomic(), CaptureQueriesContext(connection) as queries:
        audit.record(ADA, "config.set", organization=acme, target="config:region")
    words = [query["sql"].split()[0] for query in queries]
    assert [word for word in words if word != "SET"] == ["INSERT"]  # the search path, which any query may set
    assert log() == [("config.set", "config:region", "Ada")]


@pytest.mark.django_db(transaction=True)
def test_it_is_refused_outside_a_transaction(acme: OrganizationRecord) -> None:
    with pytest.raises(TransactionManagementError, match="transaction of the change"):
        audit.record(ADA, "config.set", organization=acme)
    assert log() == []


def test_with_a_change_that_fails_the_event_goes(acme: OrganizationRecord) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(ADA, "config.set", organization=acme)
        raise ZeroDivisionError
    assert log() == []


def test_secrets_in_metadata_are_not_shown_at_any_depth(acme: OrganizationRecord) -> None:
    audit.record(ADA, "x", organization=acme, metadata={"user": "ann", "deep": [{"apiKey": "abc", "password": "p"}]})
    assert events()[0].metadata == {"user": "ann", "deep": [{"apiKey": "REDACTED", "password": "REDACTED"}]}


def test_metadata_are_bounded_and_stored_whatever_they_are(acme: OrganizationRecord) -> None:
    audit.record(ADA, "large", organization=acme, metadata={"text": "x" * 9_000})
    audit.record(ADA, "odd", organization=acme, metadata={"id": UUID(int=1), "text": "a\0b", "number": float("nan")})
    large, odd = events()
    assert large.metadata == {"omitted": "9,011 bytes"}
    assert odd.metadata == {"id": str(UUID(int=1)), "text": "a\ufffdb", "number": "NaN"}


def test_texts_that_are_too_long_are_cut(acme: OrganizationRecord) -> None:
    audit.record(ADA, "o" * 500, organization=acme, target=f"{'k' * 500}:{'i' * 500}")
    [event] = events()
    assert (len(event.operation), len(event.object_kind), len(event.object_id)) == (220, 50, 250)


def test_the_same_key_is_recorded_once(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    for organization in (acme, globex):
        audit.record(ADA, "x", organization=organization, key="k" * 1_000)
    audit.record(ADA, "y", organization=acme, key="another")
    audit.record(ADA, "z", organization=acme)
    audit.record(ADA, "z", organization=acme)
    assert [(event.operation, event.organization) for event in events()] == [
        ("x", acme.id),
        ("y", acme.id),
        ("z", acme.id),
        ("z", acme.id),
    ]


def test_two_rows_of_one_key_are_impossible(db: None) -> None:
    values = {"actor_kind": "user", "actor_id": "1", "operation": "x", "key": "same"}
    AuditEvent.objects.create(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(**values)


def made(organization: OrganizationRecord | None, days_ago: float, clock: timedelta = timedelta()) -> UUID:
    """An event of that age, by a process whose clock is so far ahead."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    id_ = UUID(int=(int((at + clock).timestamp() * 1000) << 80) | (uuid7().int & ((1 << 80) - 1)))
    whose = organization.id if organization else None
    AuditEvent.objects.create(id=id_, at=at, organization=whose, actor_kind="user", actor_id="1", operation="aged")
    return id_


def test_what_is_older_than_that_goes_of_that_organization_alone(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    made(acme, 91)
    made(acme, 90.5, clock=timedelta(minutes=30))
    kept = [made(acme, 89), made(globex, 91), made(None, 91)]

    assert audit.forget_before(acme.id, datetime.now(UTC) - timedelta(days=90)) == 2

    assert sorted(event.id for event in events("aged")) == sorted(kept)


def test_the_platforms_own_go_by_themselves(acme: OrganizationRecord) -> None:
    made(None, 91)
    kept = made(acme, 91)
    assert audit.forget_before(None, datetime.now(UTC) - timedelta(days=90)) == 1
    assert [event.id for event in events("aged")] == [kept]
