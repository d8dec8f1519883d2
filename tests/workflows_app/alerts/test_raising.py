"""An alert comes into being once under its key, whoever raises it, in the transaction of who does."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from orgs.tenancy import current_schema, org_context
from tests.factories import make_actor
from tests.workflows_app.engine.conftest import caller
from workflows_app.alerts import handling
from workflows_app.alerts.raising import raise_alert

from .rows import alert, alerts, make_alert, shown, waiting

pytestmark = pytest.mark.django_db


def test_it_says_what_happened_and_is_open(acme: OrganizationRecord) -> None:
    execution = uuid4()
    made = make_alert(acme, severity="critical", execution=execution, workflow="move_mail", details={"step": "move"})
    found = alert(acme)
    assert (found.id, found.kind, found.severity, found.title) == (
        made,
        "escalated",
        "critical",
        "Somebody has to look",
    )
    assert (found.message, found.execution, found.workflow) == ("It failed.", execution, "move_mail")
    assert (found.details, found.state, found.count) == ({"step": "move"}, "open", 1)
    assert found.first_raised_at == found.last_raised_at


def test_the_staffs_first_page_gets_no_word_of_what_it_says(acme: OrganizationRecord) -> None:
    make_alert(acme, title="Mailbox of ann@acme.example", message="secret business")
    assert shown() == [(acme.id, "escalated", "error")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(o)::text FROM public.dispatch_openalert o")
        assert "acme.example" not in cursor.fetchone()[0]


def test_raised_again_it_counts_once_more_and_is_not_sent_again(acme: OrganizationRecord) -> None:
    first = make_alert(acme)
    assert make_alert(acme, title="Other words") == first
    found = alert(acme)
    assert (found.count, found.title) == (2, "Somebody has to look")
    assert waiting() == [("alert", "email", 0)] and len(shown()) == 1


def test_another_key_is_another_alert(acme: OrganizationRecord) -> None:
    assert make_alert(acme, "one") != make_alert(acme, "two")
    assert len(alerts(acme)) == 2 and len(waiting()) == 2


def test_the_same_key_of_another_organization_is_another_alert(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_alert(acme)
    make_alert(globex)
    assert alert(acme).count == alert(globex).count == 1
    assert {organization for organization, _, _ in shown()} == {acme.id, globex.id}


def test_while_somebody_looks_after_it_raising_it_only_counts(acme: OrganizationRecord) -> None:
    made = make_alert(acme)
    handling.acknowledge(acme, made, make_actor())
    assert make_alert(acme) == made
    assert (alert(acme).state, alert(acme).count) == ("acknowledged", 2)
    assert shown() == [] and len(waiting()) == 1


def test_after_it_was_resolved_it_is_a_new_one(acme: OrganizationRecord) -> None:
    first = make_alert(acme)
    handling.resolve(acme, first, make_actor())
    assert make_alert(acme) != first
    assert [found.state for found in alerts(acme)] == ["resolved", "open"] and len(waiting()) == 2


def test_it_is_part_of_the_callers_transaction(acme: OrganizationRecord) -> None:
    with pytest.raises(LookupError), org_context(acme), transaction.atomic():
        make_alert(acme)
        raise LookupError
    assert alerts(acme) == [] and shown() == [] and waiting() == []


def test_it_leaves_the_callers_schema_as_it_was(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    with org_context(globex):
        make_alert(acme)
        assert current_schema() == globex.schema_name
    assert alerts(globex) == [] and len(alerts(acme)) == 1


def test_it_takes_one_statement(acme: OrganizationRecord) -> None:
    with CaptureQueriesContext(connection) as captured:
        make_alert(acme)
    assert len([query for query in captured if "workflows_app_alert" in query["sql"]]) == 1


def test_details_are_redacted_by_key_and_cut(acme: OrganizationRecord) -> None:
    make_alert(acme, details={"api_key": "hunter2!", "items": list(range(200)), "nested": {"password": "x"}})
    details = alert(acme).details
    assert details["api_key"] == details["nested"]["password"] == "REDACTED"
    assert len(details["items"]) == 101


def test_details_that_are_too_large_are_left_out(acme: OrganizationRecord) -> None:
    make_alert(acme, details={str(number): "x" * 900 for number in range(100)})
    assert set(alert(acme).details) == {"omitted"}


@pytest.mark.parametrize("text", ["nul \0 in it", "half a \ud800 pair", "x" * 10_000, "two\r\nlines"])
def test_whatever_the_text_it_can_be_kept_and_sent(acme: OrganizationRecord, text: str) -> None:
    make_alert(acme, text, kind=text, title=text, message=text, workflow=text, details={text: {"a": text}})
    found = alert(acme)
    assert "\n" not in found.title and len(found.title) <= 200 and found.message[:3] == text[:3]


def test_an_unknown_severity_is_refused(acme: OrganizationRecord) -> None:
    with pytest.raises(ValueError, match="loud"):
        make_alert(acme, severity="loud")
    assert alerts(acme) == []


def test_what_the_settings_do_not_allow_is_not_to_be_sent(acme: OrganizationRecord, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    make_alert(acme)
    assert waiting() == [] and alert(acme).deliveries == {}


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_raise_it_at_once_one_makes_it_and_all_count(acme: OrganizationRecord) -> None:
    together, made = threading.Barrier(20), []

    def raise_it() -> None:
        together.wait(timeout=30)
        made.append(raise_alert(acme, "escalated", "t", "m", key="trouble"))

    threads = [caller(raise_it) for _ in range(20)]
    for thread in threads:
        thread.join(timeout=60)

    assert len(made) == 20 and len(set(made)) == 1
    assert alert(acme).count == 20
    assert len(shown()) == 1 and waiting() == [("alert", "email", 0)]
