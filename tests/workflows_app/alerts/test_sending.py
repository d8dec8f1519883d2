"""What was raised or left is sent: exactly as many e-mails as alerts, and a failed one again."""

from __future__ import annotations

import smtplib
import threading
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs import provisioning
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change, make_user
from tests.workflows_app.engine.conftest import caller
from workflows_app import maintenance
from workflows_app.alerts import outgoing, sending
from workflows_app.alerts.models import Alert
from workflows_app.alerts.notices import Recipient
from workflows_app.alerts.sending import send_due

from .conftest import Configure
from .rows import alert, alerts, make_alert, make_notice, notices, time_passes, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("to_ops")]

ANN = Recipient.at("Ann@Acme.example")


class Refusing(EmailBackend):
    """Refuses what the test says, and takes the rest."""

    refused: tuple[str, ...] = ()
    away = False

    def open(self) -> bool:
        if Refusing.away:
            raise ConnectionRefusedError("no mail server")
        return True

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            if any(word in message.subject for word in Refusing.refused):
                raise smtplib.SMTPDataError(550, b"no such mailbox")
        return int(super().send_messages(messages))


@pytest.fixture
def refusing(settings: Any) -> type[Refusing]:
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    Refusing.refused, Refusing.away = (), False
    return Refusing


def test_as_many_e_mails_as_alerts(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    for number in range(30):
        make_alert(acme, str(number))
        make_alert(acme, str(number))
    make_alert(globex)

    assert send_due() == 31
    assert send_due() == 0

    assert len(mail.outbox) == 31 and waiting() == []
    assert {found.deliveries["email"]["state"] for found in alerts(acme)} == {"sent"}
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 31


def test_an_e_mail_says_where_what_and_how_bad(acme: OrganizationRecord, configure: Configure) -> None:
    configure(public_url="https://bifrost.msp.example/")
    made = make_alert(acme, severity="critical", workflow="move_mail", details={"password": "x"})
    send_due()
    [message] = mail.outbox
    assert message.subject == "[Bifrost] acme: Somebody has to look" and message.to == ["ops@msp.example"]
    for part in ("It failed.", "Organization: Acme (acme)", "Severity: critical", "Workflow: move_mail"):
        assert part in message.body
    page = f"/o/acme/admin/workflows_app/alert/{made}/change/"
    assert f"https://bifrost.msp.example{page}" in message.body
    assert "Execution" not in message.body and "password" not in message.body


def test_the_alert_says_to_whom_it_went(acme: OrganizationRecord) -> None:
    make_alert(acme)
    assert alert(acme).deliveries == {"email": {"state": "waiting", "attempts": 0}}
    send_due()
    sent = alert(acme).deliveries["email"]
    assert (sent["state"], sent["attempts"], sent["to"]) == ("sent", 1, ["ops@msp.example"]) and sent["at"]


def test_nobody_named_it_goes_to_the_owners_and_admins_whose_scope_it_is(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, configure: Configure
) -> None:
    configure(emails=[])
    make_user(msp, "owner", email="owner@msp.example", all_organizations=True)
    make_user(msp, "admin", email="acme@msp.example", organizations=(acme,))
    make_user(msp, "admin", email="gold@msp.example", tags=("gold",))
    make_user(msp, "admin", email="gone@msp.example", all_organizations=True, is_active=False)
    make_user(msp, "technician", email="tech@msp.example", all_organizations=True)
    make_user(acme, "owner", email="ann@acme.example")
    make_alert(acme)
    make_alert(globex)
    send_due()
    to = {message.subject.split()[1]: message.to for message in mail.outbox}
    assert to == {
        "acme:": ["acme@msp.example", "owner@msp.example"],
        "globex:": ["gold@msp.example", "owner@msp.example"],
    }


def test_with_nobody_to_send_it_to_it_says_so(acme: OrganizationRecord, configure: Configure) -> None:
    configure(emails=[])
    make_alert(acme)
    assert send_due() == 0
    found = alert(acme).deliveries["email"]
    assert (found["state"], found["error"]) == ("skipped", "There is no address to send it to.") and waiting() == []


def test_one_acknowledged_before_it_was_sent_is_sent_all_the_same(acme: OrganizationRecord) -> None:
    make_alert(acme)
    with org_context(acme):
        Alert.objects.update(state="resolved")
    assert send_due() == 1


def test_a_notice_goes_to_its_recipient(acme: OrganizationRecord) -> None:
    make_notice(acme, ANN, Recipient("token:1", ""))
    assert waiting() == [("notice", "email", 0)]
    assert send_due() == 1
    [message] = mail.outbox
    assert (message.subject, message.to) == ("Done", ["ann@acme.example"]) and "All is moved." in message.body
    assert [found.deliveries.get("email", {}).get("state") for found in notices(acme)] == ["sent", None]


# --- what fails -----------------------------------------------------------------------------------------------------


def test_a_failed_one_is_tried_again_and_its_error_kept(acme: OrganizationRecord, refusing: type[Refusing]) -> None:
    refusing.refused = ("look",)
    make_alert(acme)
    assert send_due() == 0
    found = alert(acme).deliveries["email"]
    assert (found["state"], found["attempts"]) == ("waiting", 1) and "no such mailbox" in found["error"]
    assert send_due() == 0  # it is not its time yet
    assert waiting() == [("alert", "email", 1)]

    refusing.refused = ()
    time_passes()
    assert send_due() == 1
    assert len(mail.outbox) == 1 and waiting() == []
    assert alert(acme).deliveries["email"]["attempts"] == 2 and "error" not in alert(acme).deliveries["email"]


def test_after_five_attempts_it_is_given_up(acme: OrganizationRecord, refusing: type[Refusing]) -> None:
    refusing.refused = ("look",)
    make_alert(acme)
    for _ in range(7):
        time_passes()
        send_due()
    found = alert(acme).deliveries["email"]
    assert (found["state"], found["attempts"]) == ("failed", 5) and "no such mailbox" in found["error"]
    assert waiting() == [] and mail.outbox == []


def test_pauses_grow(acme: OrganizationRecord) -> None:
    pauses = [outgoing._pause(outgoing.Claim(acme.id, acme.id, "alert", acme.id, "email", n)) for n in (1, 2, 3, 4)]
    assert [pause.total_seconds() for pause in pauses] == [60, 120, 240, 480]


def test_one_that_is_refused_keeps_no_other_from_going(acme: OrganizationRecord, refusing: type[Refusing]) -> None:
    refusing.refused = ("bad",)
    for title in ("bad", "good", "better"):
        make_alert(acme, title, title=title)
    assert send_due() == 2
    assert [message.subject for message in mail.outbox] == ["[Bifrost] acme: good", "[Bifrost] acme: better"]


def test_a_server_that_is_away_is_asked_once_a_batch(
    acme: OrganizationRecord, globex: OrganizationRecord, refusing: type[Refusing], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(refusing, "open", lambda self: asked.append(1) or (_ for _ in ()).throw(OSError("away")))
    for organization in (acme, globex):
        make_alert(organization)
    assert send_due() == 0
    assert len(asked) == 1
    assert "away" in alert(acme).deliveries["email"]["error"] and "away" in alert(globex).deliveries["email"]["error"]


def test_one_whose_sender_was_lost_is_taken_again_after_its_time(acme: OrganizationRecord) -> None:
    make_alert(acme)
    assert len(outgoing.claim(10)) == 1  # and nothing more is heard of it
    assert send_due() == 0 and outgoing.claim(10) == []
    time_passes()
    assert send_due() == 1 and len(mail.outbox) == 1


def test_a_late_result_does_not_disturb_who_has_it_now(acme: OrganizationRecord) -> None:
    make_alert(acme)
    [lost] = outgoing.claim(10)
    time_passes()
    [later] = outgoing.claim(10)
    failed = {"state": "waiting", "attempts": 1, "error": "late"}
    outgoing.record(acme, [outgoing.Result(lost, failed)])
    time_passes()
    assert outgoing.claim(10)[0].attempt == later.attempt + 1


def test_a_connection_that_broke_is_opened_anew_for_the_next_one(
    acme: OrganizationRecord, refusing: type[Refusing], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(refusing, "open", lambda self: bool(opened.append(1)) or True)
    refusing.refused = ("broken",)
    for title in ("good", "broken", "better"):
        make_alert(acme, title, title=title)
    assert send_due() == 2 and len(opened) == 2


def test_where_the_mail_server_was_taken_away_it_says_so(acme: OrganizationRecord, settings: Any) -> None:
    make_alert(acme)
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert send_due() == 0
    assert alert(acme).deliveries["email"]["error"] == "There is no mail server any more."


def test_what_retention_took_away_meanwhile_is_not_sent(acme: OrganizationRecord) -> None:
    make_alert(acme)
    with org_context(acme):
        Alert.objects.all().delete()
    assert send_due() == 0 and waiting() == [] and mail.outbox == []


# --- of all organizations ---------------------------------------------------------------------------------------------


def test_one_organizations_many_do_not_keep_anothers_waiting(
    acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        make_notice(acme, ANN, key=str(number))
    make_alert(acme)
    make_alert(globex)
    claims = outgoing.claim(4)
    assert {claim.organization for claim in claims} == {acme.id, globex.id}
    assert [claim.about for claim in claims].count("alert") == 2


def test_while_an_organizations_schema_is_not_complete_its_own_wait(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    for organization in (acme, globex):
        make_alert(organization)
    change(acme, ready=False)
    assert send_due() == 1 and waiting() == [("alert", "email", 0)]
    change(acme, ready=True)
    assert send_due() == 1


def test_a_dropped_organizations_are_forgotten(transactional_db: None) -> None:
    gone = provisioning.create_organization("gone", "Gone")
    make_alert(gone)
    make_notice(gone, ANN)
    provisioning.drop_organization(gone)
    assert waiting() == [] and send_due() == 0 and mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_one_organizations_trouble_is_not_the_others(
    acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for organization in (acme, globex):
        make_alert(organization)
    usual = sending.directory.organization_by_id

    def look_up(id_: Any) -> OrganizationRecord | None:
        found = usual(id_)
        return OrganizationRecord(**{**_fields(found), "schema_name": "org_nowhere"}) if id_ == acme.id else found

    monkeypatch.setattr(sending.directory, "organization_by_id", look_up)
    assert send_due() == 1
    assert [message.subject.split()[1] for message in mail.outbox] == ["globex:"]


def _fields(record: OrganizationRecord | None) -> dict[str, Any]:
    assert record is not None
    return {name: getattr(record, name) for name in record.__slots__}


def test_nothing_to_send_costs_one_statement(acme: OrganizationRecord) -> None:
    with CaptureQueriesContext(connection) as captured:
        send_due()
    assert [query["sql"].split()[0] for query in captured if "dispatch_outgoing" in query["sql"]] == ["WITH"]
    assert "workflows_app" not in str(captured.captured_queries)


def test_the_maintenance_sends(acme: OrganizationRecord) -> None:
    make_alert(acme)
    maintenance.run()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_send_at_once_send_each_thing_once(acme: OrganizationRecord) -> None:
    for number in range(40):
        make_alert(acme, str(number))
    together = threading.Barrier(4)

    def send() -> None:
        together.wait(timeout=30)
        send_due()

    threads = [caller(send) for _ in range(4)]
    for thread in threads:
        thread.join(timeout=60)

    assert len(mail.outbox) == 40 and waiting() == []
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 40
