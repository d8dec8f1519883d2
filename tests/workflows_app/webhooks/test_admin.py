"""The staff's pages about webhooks and deliveries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations import secrets
from orgs.records import OrganizationRecord
from tests.factories import make_user
from tests.integrations.servers import free_port
from tests.workflows_app.test_admin import staff, text
from workflows_app.webhooks import credentials

from .conftest import Sender, deliveries_of, executions_of, sender_of

WEBHOOKS = "/o/acme/admin/workflows_app/webhook/"
DELIVERIES = "/o/acme/admin/workflows_app/webhookdelivery/"


@pytest.fixture
def technician(acme: OrganizationRecord, msp: OrganizationRecord, workspace: Path) -> Client:
    return staff(msp)


def shown_secret(page: Any) -> str:
    found = re.search(r'<code id="secret">([^<]+)</code>', page.content.decode())
    assert found is not None
    return found[1]


def test_the_page_shows_every_webhook_and_no_secret(technician: Client, acme: OrganizationRecord) -> None:
    sender = sender_of(acme)
    page = technician.get(WEBHOOKS)
    seen = text(page)
    assert "/webhooks/acme/on_ticket" in seen and "It has no secret yet" in seen and "it needs no secret" in seen
    assert "closed" not in seen and sender.secret not in page.content.decode()


def test_a_rotation_shows_the_new_secret_once(technician: Client, acme: OrganizationRecord) -> None:
    first = technician.post(f"{WEBHOOKS}rotate/", {"workflow": "on_ticket", "hours": "0"})
    assert first.status_code == 200 and "no-store" in first.headers["Cache-Control"]
    old = Sender("/webhooks/acme/on_ticket", shown_secret(first))
    assert old.send().status_code == 202
    second = technician.post(f"{WEBHOOKS}rotate/", {"workflow": "on_ticket", "hours": "1.5"})
    new = Sender("/webhooks/acme/on_ticket", shown_secret(second))
    assert "The secret before works until" in text(second)
    assert old.send().status_code == new.send().status_code == 202
    listed = technician.get(WEBHOOKS).content.decode()
    assert "The one before works until" in listed and new.secret not in listed
    # 0 hours end the former one at once.
    technician.post(f"{WEBHOOKS}rotate/", {"workflow": "on_ticket", "hours": "0"})
    assert new.send().status_code == 400


@pytest.mark.parametrize("hours", ["", "-1", "721", "nan", "many"])
def test_a_bad_overlap_changes_nothing(technician: Client, acme: OrganizationRecord, hours: str) -> None:
    answer = technician.post(f"{WEBHOOKS}rotate/", {"workflow": "on_ticket", "hours": hours}, follow=True)
    assert "Say for how many hours" in answer.content.decode()
    assert credentials.credentials_of(acme, "on_ticket") is None


@pytest.mark.parametrize("workflow", ["closed", "nothing"])
def test_what_has_no_webhook_is_404(technician: Client, workflow: str) -> None:
    assert technician.post(f"{WEBHOOKS}rotate/", {"workflow": workflow, "hours": "1"}).status_code == 404


def test_where_the_vault_is_away_the_page_says_that_nothing_changed(technician: Client, settings: Any) -> None:
    settings.VAULT_ADDR = f"http://127.0.0.1:{free_port()}"
    secrets.reset()
    answer = technician.post(f"{WEBHOOKS}rotate/", {"workflow": "on_ticket", "hours": "1"}, follow=True)
    assert "Nothing was changed." in answer.content.decode()


def test_a_get_rotates_nothing(technician: Client) -> None:
    assert technician.get(f"{WEBHOOKS}rotate/?workflow=on_ticket&hours=0").status_code == 405


def test_a_rotation_needs_its_csrf_token(msp: OrganizationRecord, acme: OrganizationRecord, workspace: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(msp, "technician", all_organizations=True))
    form = {"workflow": "on_ticket", "hours": "0"}
    assert client.post(f"{WEBHOOKS}rotate/", form).status_code == 403
    token = client.cookies["csrftoken"] = _get_new_csrf_string()
    assert client.post(f"{WEBHOOKS}rotate/", {**form, "csrfmiddlewaretoken": token}).status_code == 200


def test_an_auditor_looks_and_changes_nothing(
    acme: OrganizationRecord, msp: OrganizationRecord, sender: Sender
) -> None:
    sender.send()
    [delivery] = deliveries_of(acme)
    auditor = staff(msp, "auditor")
    assert "Make a new secret" not in text(auditor.get(WEBHOOKS))
    assert auditor.post(f"{WEBHOOKS}rotate/", {"workflow": "on_ticket", "hours": "0"}).status_code == 403
    assert "Deliver once more" not in text(auditor.get(f"{DELIVERIES}{delivery.id}/change/"))
    assert auditor.post(f"{DELIVERIES}{delivery.id}/redeliver/").status_code == 403
    assert sender.send().status_code == 202


def test_the_list_of_deliveries_shows_the_own_and_neither_counts_nor_reads_bodies(
    technician: Client, sender: Sender, globex: OrganizationRecord
) -> None:
    sender.send(**{"Webhook-Id": "d-of-acme"})
    sender.send({"priority": 1})
    sender_of(globex).send(**{"Webhook-Id": "d-of-globex"})
    technician.get(DELIVERIES)
    with CaptureQueriesContext(connection) as captured:
        page = text(technician.get(DELIVERIES))
    assert "d-of-acme" in page and "d-of-globex" not in page and "ticket_id" in page
    statements = [query["sql"] for query in captured if "webhookdelivery" in query["sql"]]
    assert len(statements) == 1 and "COUNT(" not in statements[0] and '"body"' not in statements[0]
    assert "d-of-acme" in text(technician.get(f"{DELIVERIES}?q=on_tick"))


def test_a_delivery_shows_what_came_without_secrets(
    technician: Client, sender: Sender, acme: OrganizationRecord
) -> None:
    sender.send({"ticket_id": "<b>T-1</b>", "password": "hunter22"}, **{"X-Event": "closed"})
    [delivery] = deliveries_of(acme)
    page = technician.get(f"{DELIVERIES}{delivery.id}/change/")
    seen = page.content.decode()
    assert "&lt;b&gt;T-1" in seen and "X-Event" in seen and "REDACTED" in seen
    assert "hunter22" not in seen and sender.secret not in seen
    assert f"/execution/{delivery.execution}/change/" in seen


def test_a_delivery_is_delivered_once_more(technician: Client, sender: Sender, acme: OrganizationRecord) -> None:
    sender.send()
    [first] = deliveries_of(acme)
    answer = technician.post(f"{DELIVERIES}{first.id}/redeliver/", follow=True)
    assert "Delivered once more." in answer.content.decode() and "Once more of" in text(answer)
    assert len(executions_of(acme)) == 2
    assert technician.get(f"{DELIVERIES}{first.id}/redeliver/").status_code == 405


def test_where_that_is_refused_the_page_says_why(technician: Client, sender: Sender, acme: OrganizationRecord) -> None:
    sender.send({"priority": 1})
    [first] = deliveries_of(acme)
    answer = technician.post(f"{DELIVERIES}{first.id}/redeliver/", follow=True)
    assert "ticket_id" in answer.content.decode() and not executions_of(acme)


def test_another_organizations_delivery_is_404(technician: Client, globex: OrganizationRecord) -> None:
    sender_of(globex).send()
    for id_ in (deliveries_of(globex)[0].id, uuid4()):
        assert technician.get(f"{DELIVERIES}{id_}/change/").status_code == 404
        assert technician.post(f"{DELIVERIES}{id_}/redeliver/").status_code == 404
    assert len(executions_of(globex)) == 1


@pytest.mark.parametrize("path", [f"{WEBHOOKS}add/", f"{DELIVERIES}add/"])
def test_nothing_is_added_by_a_page(technician: Client, path: str) -> None:
    assert technician.get(path).status_code == 403


def test_the_sidebar_leads_to_both(technician: Client) -> None:
    page = technician.get("/o/acme/admin/").content.decode()
    assert WEBHOOKS in page and DELIVERIES in page
