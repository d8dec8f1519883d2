"""Whatever is wrong looks the same from outside: the same bytes, the same headers, the same work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from integrations import sealing, secrets
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.factories import change
from tests.integrations.servers import black_hole, free_port
from workflows_app import catalog
from workflows_app.dispatch import settled
from workflows_app.dispatch.models import WorkflowSetting
from workflows_app.webhooks import credentials, deliveries

from .conftest import Sender, deliveries_of, executions_of, sender_of

EXPECTED = b'{"error":"BadRequest","message":"Failed to process webhook"}'
DEEP = b'{"ticket_id":' + b"[" * 5_000 + b"]" * 5_000 + b"}"


def seen(answer: HttpResponse) -> tuple[Any, ...]:
    """All that a sender sees."""
    return answer.status_code, answer.content, sorted(answer.headers.items())


def wrong_ones(sender: Sender) -> dict[str, HttpResponse]:
    """One of each way to be wrong, the organization as it is."""

    def elsewhere(path: str) -> HttpResponse:
        return Sender(f"/webhooks/{path}", sender.secret).send()

    return {
        "unknown organization": elsewhere("nobody/on_ticket"),
        "no organization's name": elsewhere("%00/on_ticket"),
        "unknown workflow": elsewhere("acme/nothing"),
        "no webhook": elsewhere("acme/closed"),
        "no secret made": elsewhere("acme/on_sale"),
        "another organization": elsewhere("globex/on_ticket"),
        "no path": elsewhere(""),
        "a longer path": elsewhere("acme/on_ticket/more"),
        "no secret": sender.plain(),
        "an empty secret": sender.plain(**{"X-Webhook-Secret": ""}),
        "a wrong secret": sender.plain(**{"X-Webhook-Secret": "wrong"}),
        "a wrong signature": sender.plain(**{"X-Webhook-Signature": "sha256=00"}),
        "a missing parameter": sender.send({}),
        "a bad parameter": sender.send({"ticket_id": "T", "priority": "high"}),
        "no JSON": sender.send(b"{"),
        "no object": sender.send(b"[]"),
        "a key twice": sender.send(b'{"ticket_id": "a", "ticket_id": "b"}'),
        "NaN": sender.send(b'{"ticket_id": "a", "priority": NaN}'),
        "NUL": sender.send(b'{"ticket_id": "a\\u0000"}'),
        "half a surrogate pair": sender.send(b'{"ticket_id": "a\\ud800"}'),
        "not UTF-8": sender.send(b'{"ticket_id": "\xff"}'),
        "too deep": sender.send(DEEP),
        "too large": sender.send(b'{"ticket_id": "' + b"x" * 1_000_001 + b'"}'),
        "another kind": sender.send(b"<a/>", "text/xml"),
        "a form field twice": sender.send(b"ticket_id=a&ticket_id=b", "application/x-www-form-urlencoded"),
        "a bad form": sender.send(b"ticket_id=%ff", "application/x-www-form-urlencoded"),
        "NUL in a form": sender.send(b"ticket_id=a%00", "application/x-www-form-urlencoded"),
        "a GET": Client().get(sender.address, headers={"X-Webhook-Secret": sender.secret}),
        "a PUT": Client().put(sender.address, b"{}", headers={"X-Webhook-Secret": sender.secret}),
    }


def test_every_refusal_is_the_same_byte_for_byte(
    sender: Sender, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    sender_of(globex)
    answers = wrong_ones(sender)
    change(acme, status="suspended")
    answers["suspended"] = sender.send()
    change(acme, status="active", ready=False)
    answers["not ready"] = sender.send()
    change(acme, ready=True)
    with shared_context():
        WorkflowSetting.objects.create(organization=acme.id, workflow="on_ticket", enabled=False)
    settled.forget()
    answers["disabled"] = sender.send()
    expected = seen(answers["a bad parameter"])
    different = {
        what: seen(answer) for what, answer in answers.items() if seen(answer) != seen(answers["a bad parameter"])
    }
    assert different == {}
    assert expected[:2] == (400, EXPECTED)
    assert not executions_of(acme) and not executions_of(globex)
    # A HEAD request has no body to compare.
    assert Client().head(sender.address).status_code == 400


def test_only_those_who_proved_themselves_leave_a_delivery_with_the_reason(
    sender: Sender, acme: OrganizationRecord
) -> None:
    sender.plain(**{"X-Webhook-Secret": "wrong"})
    assert deliveries_of(acme) == []
    sender.send({"priority": 1})
    sender.send(b"{")
    first, second = deliveries_of(acme)
    assert "ticket_id" in first.problem and first.execution is None
    assert "not JSON" in second.problem and second.body is None and second.body_sealed is not None


def test_a_disabled_workflows_deliveries_say_so(sender: Sender, acme: OrganizationRecord) -> None:
    with shared_context():
        WorkflowSetting.objects.create(organization=acme.id, workflow="on_ticket", enabled=False)
    settled.forget()
    assert sender.send().status_code == 400
    assert "disabled" in deliveries_of(acme)[0].problem


def test_the_reason_is_in_the_log(sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Sender("/webhooks/nobody/on_ticket%0Ainjected", sender.secret).send()
        sender.plain(**{"X-Webhook-Secret": "wrong-guess"})
    assert "there is no such organization" in caplog.text and "does not prove" in caplog.text
    # A name that holds a line's end stays on its line.
    assert not any(line.startswith("injected") for line in caplog.text.splitlines())
    assert sender.secret not in caplog.text and "wrong-guess" not in caplog.text


def test_the_vault_is_asked_alike_for_what_exists_and_what_does_not(
    sender: Sender, acme: OrganizationRecord, msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    usual = secrets.read_at

    def read_at(organization: OrganizationRecord, place: Any, name: str) -> str | None:
        asked.append(name)
        return usual(organization, place, name)

    monkeypatch.setattr(secrets, "read_at", read_at)
    paths = ("acme/on_ticket", "acme/on_sale", "acme/closed", "acme/nothing", "nobody/on_ticket")
    for _ in range(2):
        counts = {}
        for path in paths:
            asked.clear()
            Sender(f"/webhooks/{path}").plain(**{"X-Webhook-Secret": "wrong"})
            counts[path] = len(asked)
        # Cold, all ask once; warm, none does.
        assert len(set(counts.values())) == 1, counts
    assert set(counts.values()) == {0}


def test_guessing_fills_no_memory(monkeypatch: pytest.MonkeyPatch, sender: Sender, msp: OrganizationRecord) -> None:
    monkeypatch.setattr(credentials, "MOST_ENTRIES", 10)
    for number in range(25):
        Sender(f"/webhooks/guess-{number}/on_ticket").plain()
    assert len(credentials._kept_of_nobody._entries) <= 10
    # Nor do guesses push out what is known.
    assert len(credentials._kept._entries) <= 1
    assert sender.send().status_code == 202


# --- our side is away -------------------------------------------------------------------------------------------------


@pytest.fixture
def vault_away(settings: Any) -> Callable[[], None]:
    def leave() -> None:
        settings.VAULT_ADDR = f"http://127.0.0.1:{free_port()}"
        secrets.reset()

    return leave


AWAY = b'{"error":"ServiceUnavailable","message":"Webhooks cannot be processed now"}'


def test_a_vault_that_is_away_is_503_for_everybody_alike(
    sender: Sender, msp: OrganizationRecord, vault_away: Callable[[], None]
) -> None:
    vault_away()
    credentials.forget()
    paths = ("acme/on_ticket", "acme/closed", "acme/nothing", "nobody/on_ticket")
    answers = [Sender(f"/webhooks/{path}", "wrong").send() for path in paths] + [sender.send()]
    assert {(answer.status_code, answer.content) for answer in answers} == {(503, AWAY)}
    assert {answer.headers["Retry-After"] for answer in answers} == {"30"}
    assert len({tuple(seen(answer)[2]) for answer in answers}) == 1


def test_with_a_known_secret_a_vault_that_is_away_shows_nothing_either(
    sender: Sender, msp: OrganizationRecord, vault_away: Callable[[], None]
) -> None:
    assert sender.send().status_code == 202
    vault_away()
    wrong = [Sender(f"/webhooks/{path}", "wrong").send() for path in ("acme/on_ticket", "nobody/on_ticket")]
    assert {(answer.status_code, answer.content) for answer in wrong} == {(503, AWAY)}
    # Who knows the secret is served from what is kept.
    assert sender.send().status_code == 202


def test_a_vault_that_never_answers_holds_up_one_call_and_not_every_one(sender: Sender, settings: Any) -> None:
    with black_hole() as address:
        settings.VAULT_ADDR = address
        secrets.reset()
        credentials.forget()
        began = time.monotonic()
        assert {sender.send().status_code for _ in range(20)} == {503}
        assert time.monotonic() - began < 3


def test_where_the_key_is_away_the_delivery_is_kept_without_its_raw_body(
    sender: Sender, acme: OrganizationRecord, vault_away: Callable[[], None]
) -> None:
    credentials.credentials_of(acme, "on_ticket")
    sealing.forget_master_keys()
    vault_away()
    assert sender.send().status_code == 202
    [delivery] = deliveries_of(acme)
    assert delivery.body_sealed is None and delivery.problem == deliveries.NOT_KEPT
    assert delivery.execution is not None and delivery.body == {"ticket_id": "T-1"}


def test_what_cannot_be_encrypted_is_not_started(
    acme: OrganizationRecord, workspace: Path, vault_away: Callable[[], None]
) -> None:
    hook = sender_of(acme, "on_key")
    credentials.credentials_of(acme, "on_key")
    sealing.forget_master_keys()
    vault_away()
    assert hook.send({"api_key": "abcdefgh"}).status_code == 503
    assert not executions_of(acme) and "vault is away" in deliveries_of(acme)[0].problem


def test_an_unforeseen_error_shows_nothing(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(catalog, "current", fail)
    answer = sender.send()
    assert (answer.status_code, answer.content) == (503, AWAY) and "RuntimeError" in caplog.text
