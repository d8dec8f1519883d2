"""What came of each data provider last: for staff, in the organization's schema, and no more than a row for each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import change
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add
from workflows_app import retention
from workflows_app.errors import ProviderFailed
from workflows_app.providers import health
from workflows_app.providers.asking import options_of
from workflows_app.providers.models import ProviderHealth

MOODY = """
    @data_provider(cache_ttl_seconds=0)
    async def moody(context, mood="good"):
        context.log("info", f"in a {mood} mood", {"password": "hunter22"})
        if mood == "bad":
            raise IntegrationError("The customer list is away")
        return [{"label": "Ann of Acme", "value": "ann"}, {"label": "Bob", "value": "bob"}]
"""


def ask(organization: OrganizationRecord, mood: str) -> None:
    try:
        options_of(organization, "moody", {"mood": mood})
    except ProviderFailed:
        assert mood == "bad"


def rows(organization: OrganizationRecord) -> list[ProviderHealth]:
    gates.wait_until(lambda: True)
    with org_context(organization):
        return list(ProviderHealth.objects.all())


def one(organization: OrganizationRecord, failures: int) -> ProviderHealth:
    """The only row, once it tells of so many failures."""

    def told() -> bool:
        found = rows(organization)
        return len(found) == 1 and found[0].failures == failures

    gates.wait_until(told)
    [row] = rows(organization)
    return row


def test_success_and_failure_are_noted_and_counted(add: Add, acme: OrganizationRecord) -> None:
    add(MOODY)
    ask(acme, "good")
    good = one(acme, 0)
    assert (good.provider, good.options, good.last_error, good.last_error_at) == ("moody", 2, "", None)
    assert good.last_success_at is not None and good.duration_ms is not None
    ask(acme, "bad")
    ask(acme, "bad")
    bad = one(acme, 2)
    assert (bad.last_error, bad.last_success_at) == (
        "IntegrationError: The customer list is away",
        good.last_success_at,
    )
    ask(acme, "good")
    again = one(acme, 0)
    # What went wrong last stays to be read.
    assert again.last_error_at == bad.last_error_at and again.last_success_at > good.last_success_at  # type: ignore[operator]


def test_a_first_failure_is_noted(add: Add, acme: OrganizationRecord) -> None:
    add(MOODY)
    ask(acme, "bad")
    assert one(acme, 1).last_success_at is None


def test_it_says_what_was_logged_last_without_secrets_and_nothing_of_the_options(
    add: Add, acme: OrganizationRecord
) -> None:
    add(MOODY)
    ask(acme, "good")
    row = one(acme, 0)
    assert row.log == [{"level": "info", "message": "in a good mood", "data": {"password": "REDACTED"}}]
    assert "ann" not in str(row.__dict__).lower()


def test_it_is_bounded(add: Add, acme: OrganizationRecord) -> None:
    add(
        """
    @data_provider()
    async def wordy(context):
        for number in range(100):
            context.log("info", f"{number} " + "x" * 5_000)
        raise RuntimeError("y" * 5_000)
    """
    )
    with pytest.raises(ProviderFailed):
        options_of(acme, "wordy")
    row = one(acme, 1)
    assert (len(row.log), len(row.last_error)) == (20, 500)
    assert row.log[-1]["message"].startswith("99 ") and len(str(row.log)) < 25_000


def test_each_organization_has_its_own_and_the_shared_schema_has_none(
    add: Add, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    add(MOODY)
    ask(acme, "bad")
    ask(globex, "good")
    assert (one(acme, 1).last_error != "", one(globex, 0).last_error) == (True, "")
    with shared_context(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.workflows_app_providerhealth')")
        assert cursor.fetchone() == (None,)


def test_staff_hear_why_and_others_that_it_fails(add: Add, acme: OrganizationRecord) -> None:
    add(MOODY)
    ask(acme, "bad")
    one(acme, 1)
    told = {staff: health.documents(acme, staff=staff)["moody"] for staff in (True, False)}
    assert (told[True]["state"], told[True]["lastError"]) == ("failing", "IntegrationError: The customer list is away")
    assert told[False] == {**told[True], "lastError": None}


def test_options_are_given_also_where_health_cannot_be_written(
    add: Add, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseError("away")

    add(MOODY)
    monkeypatch.setattr(health, "note_success", away)
    assert len(options_of(acme, "moody").options) == 2


def test_what_was_not_asked_for_long_is_forgotten(add: Add, acme: OrganizationRecord) -> None:
    add(MOODY)
    ask(acme, "good")
    one(acme, 0)
    short = change(acme, retention_days=1)
    with shared_context():
        retention._forget_rows(short, timezone.now())
        assert len(rows(acme)) == 1
        retention._forget_rows(short, timezone.now() + timedelta(days=2))
    assert rows(acme) == []
    change(acme, retention_days=None)
