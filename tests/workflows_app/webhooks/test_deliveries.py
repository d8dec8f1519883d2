"""What is kept of a call, and delivering it once more."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bifrost.sdk.errors import ValidationError
from integrations.sealing import unseal
from orgs.permissions import EVERYTHING
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_actor
from workflows_app import catalog
from workflows_app.errors import DeliveryNotKept, UnknownDelivery, UnknownWebhook
from workflows_app.models import WebhookDelivery
from workflows_app.webhooks.deliveries import shown_headers
from workflows_app.webhooks.redelivering import redeliver

from .conftest import Sender, deliveries_of, executions_of, sender_of, signature

ADA = make_actor(EVERYTHING)
BODY = b'{"ticket_id": "T-1", "apiKey": "abcdefgh", "customer": {"password": "hunter22"}}'


def test_the_raw_bytes_are_kept_encrypted_and_what_is_shown_is_redacted(
    sender: Sender, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    assert sender.send(BODY).status_code == 202
    [delivery] = deliveries_of(acme)
    assert delivery.body == {"ticket_id": "T-1", "apiKey": "REDACTED", "customer": {"password": "REDACTED"}}
    assert delivery.body_sealed is not None and b"hunter22" not in bytes(delivery.body_sealed)
    kept: Any = unseal(acme, bytes(delivery.body_sealed))
    assert set(kept) == {"contentType", "body"}


def test_parameters_that_are_declared_as_secrets_are_hidden_whatever_their_name(
    acme: OrganizationRecord, workspace: Any
) -> None:
    source = """
from bifrost import param, workflow

@workflow(webhook_enabled=True, execution_mode="async")
@param("pin", "secret")
@param("password", "string")
async def on_pin(context, pin=None, password=None):
    return None
"""
    (workspace / "pins.py").write_text(source)
    catalog.refresh()
    assert sender_of(acme, "on_pin").send({"pin": "123456", "password": "hunter22"}).status_code == 202
    assert deliveries_of(acme)[0].body == {"pin": "REDACTED", "password": "REDACTED"}


def test_headers_are_kept_without_credentials(sender: Sender, acme: OrganizationRecord) -> None:
    sender.send(
        **{
            "User-Agent": "vendor/1",
            "Authorization": "Bearer abcdefgh",
            "Cookie": "session=abcdefgh",
            "X-Functions-Key": "abcdefgh",
            "X-Gitlab-Token": "abcdefgh",
            "X-Webhook-Signature": "sha256=abcdefgh",
            "X-Hub-Signature": "sha1=abcdefgh",
            "Stripe-Signature": "t=1,v1=abcdefgh",
            "X-Event": "ticket.closed",
        }
    )
    headers = deliveries_of(acme)[0].headers
    assert headers["User-Agent"] == "vendor/1" and headers["X-Event"] == "ticket.closed"
    assert "abcdefgh" not in str(headers) and not any("secret" in name.lower() for name in headers)


def test_headers_are_bounded_and_printable() -> None:
    found = shown_headers({f"X-{number}": "a\0\x1b[31m" + "b" * 5_000 for number in range(300)})
    assert len(found) == 100
    assert all(value.startswith("a??[31mb") and len(value) == 1_000 for value in found.values())


def test_the_secret_is_in_no_answer_log_or_delivery(
    sender: Sender, acme: OrganizationRecord, caplog: pytest.LogCaptureFixture
) -> None:
    former, hook = sender, sender_of(acme)
    body = {"ticket_id": "T-1", "note": f"it is {hook.secret}", "list": [former.secret], hook.secret: 1}
    with caplog.at_level(logging.DEBUG):
        answers = [
            hook.send(body, **{"X-Other": f"Basic {former.secret}", "Referer": f"https://x/?s={hook.secret}"}),
            hook.send({"priority": hook.secret}),
            hook.send(b"{" + hook.secret.encode()),
        ]
    assert [answer.status_code for answer in answers] == [202, 400, 400]
    with org_context(acme):
        rows = list(WebhookDelivery.objects.values("delivery_id", "headers", "body", "problem"))
    for secret in (hook.secret, former.secret):
        assert secret not in caplog.text and secret not in str(rows)
        assert all(secret.encode() not in answer.content for answer in answers)
    assert "it is REDACTED" in str(rows)


# --- once more --------------------------------------------------------------------------------------------------------


def test_what_was_kept_is_delivered_once_more(sender: Sender, acme: OrganizationRecord) -> None:
    assert sender.send(BODY, **{"Webhook-Id": "d-1", "X-Event": "closed"}).status_code == 202
    [first] = deliveries_of(acme)
    made = redeliver(acme, first.id, ADA)
    assert made.started.status == "Queued"
    before, after = executions_of(acme)
    assert str(after.id) == made.started.execution_id and after.input == before.input
    assert after.trigger["webhookDeliveryId"] == str(made.delivery_id) and after.trigger["redeliveredBy"] == "Ada"
    second = deliveries_of(acme)[1]
    assert (second.id, second.redelivery_of, second.execution) == (made.delivery_id, first.id, after.id)
    assert second.body == first.body and second.headers == first.headers
    # And that one once more.
    redeliver(acme, second.id, ADA)
    assert len(executions_of(acme)) == 3


def test_a_form_is_delivered_once_more_as_one(sender: Sender, acme: OrganizationRecord) -> None:
    sender.send(b"ticket_id=T-9&priority=2", "application/x-www-form-urlencoded; charset=utf-8")
    redeliver(acme, deliveries_of(acme)[0].id, ADA)
    assert [execution.input["priority"] for execution in executions_of(acme)] == [2, 2]


def test_what_was_refused_can_be_delivered_once_the_workflow_takes_it(
    sender: Sender, acme: OrganizationRecord, workspace: Any
) -> None:
    assert sender.send({"ticket_id": "T-1", "priority": "high"}).status_code == 400
    source = (workspace / "hooks.py").read_text()
    (workspace / "hooks.py").write_text(source.replace('"priority", "int", default_value=3', '"priority", "string"'))
    catalog.refresh()
    redeliver(acme, deliveries_of(acme)[0].id, ADA)
    assert [execution.input["priority"] for execution in executions_of(acme)] == ["high"]


def test_where_it_is_refused_again_the_new_delivery_says_why(sender: Sender, acme: OrganizationRecord) -> None:
    assert sender.send({"priority": 1}).status_code == 400
    with pytest.raises(ValidationError, match="ticket_id"):
        redeliver(acme, deliveries_of(acme)[0].id, ADA)
    assert "ticket_id" in deliveries_of(acme)[1].problem


def test_another_organizations_is_unknown(sender: Sender, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    sender.send()
    with pytest.raises(UnknownDelivery):
        redeliver(globex, deliveries_of(acme)[0].id, ADA)


def test_without_its_raw_body_it_cannot_be(sender: Sender, acme: OrganizationRecord) -> None:
    sender.send()
    with org_context(acme):
        WebhookDelivery.objects.update(body_sealed=None)
    with pytest.raises(DeliveryNotKept):
        redeliver(acme, deliveries_of(acme)[0].id, ADA)


def test_a_workflow_without_its_webhook_takes_none(sender: Sender, acme: OrganizationRecord) -> None:
    sender.send()
    with org_context(acme):
        WebhookDelivery.objects.update(workflow="closed")
    with pytest.raises(UnknownWebhook):
        redeliver(acme, deliveries_of(acme)[0].id, ADA)


def test_a_signature_over_the_documented_bytes(sender: Sender) -> None:
    # As docs/webhooks.md computes it.
    text = b'{"ticket_id":"4711"}'
    headers = {"X-Webhook-Signature": "sha256=" + signature(sender.secret, text)}
    assert sender.plain(text, **headers).status_code == 202
