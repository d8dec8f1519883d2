"""A webhook's secret: in the vault, kept for a minute, and rotated with an overlap in which both work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections

from bifrost.sdk.errors import ConfigurationError
from integrations import secrets
from integrations.errors import VaultUnavailable
from integrations.secret_places import webhooks_place
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.conftest import make_organization
from tests.integrations.servers import free_port
from workflows_app.models import Webhook
from workflows_app.webhooks import credentials
from workflows_app.webhooks.credentials import PREFIX, credentials_of, rotate

from .conftest import Sender, sender_of


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves the clocks by which secrets end and by which they are kept."""
    now, monotonic = credentials.timezone.now, credentials.monotonic

    def move(by: timedelta) -> None:
        moved = now() + by
        monkeypatch.setattr("django.utils.timezone.now", lambda: moved)
        monkeypatch.setattr(credentials, "monotonic", lambda: monotonic() + by.total_seconds())

    return move


def test_after_a_rotation_both_work_and_then_only_the_new_one(
    sender: Sender, acme: OrganizationRecord, later: Callable[[timedelta], None]
) -> None:
    new = sender_of(acme, hours=2)
    assert new.secret != sender.secret
    assert sender.send().status_code == sender.signed().status_code == new.send().status_code == 202
    later(timedelta(hours=2, seconds=1))
    assert sender.send().status_code == sender.signed().status_code == 400
    assert new.send().status_code == new.signed().status_code == 202


def test_without_an_overlap_the_former_ends_at_once(sender: Sender, acme: OrganizationRecord) -> None:
    assert sender.send().status_code == 202
    new = sender_of(acme, hours=0)
    assert sender.send().status_code == 400 and new.send().status_code == 202


def test_of_three_secrets_the_last_two_work(sender: Sender, acme: OrganizationRecord) -> None:
    second, third = sender_of(acme), sender_of(acme)
    assert [hook.send().status_code for hook in (sender, second, third)] == [400, 202, 202]


def test_a_secret_made_by_another_process_works_within_seconds(
    sender: Sender, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch, later: Callable[[timedelta], None]
) -> None:
    assert sender.send().status_code == 202
    # What this process keeps is not told.
    monkeypatch.setattr(credentials, "forget", lambda: None)
    new = sender_of(acme)
    later(timedelta(seconds=3))
    assert new.send().status_code == 202 and sender.send().status_code == 202


def test_the_vault_is_asked_once_a_minute(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, later: Callable[[timedelta], None]
) -> None:
    asked: list[str] = []
    usual = secrets.read_at
    monkeypatch.setattr(secrets, "read_at", lambda *given: asked.append(given[2]) or usual(*given))  # type: ignore[func-returns-value]
    for _ in range(3):
        assert sender.send().status_code == 202
    assert asked == ["on_ticket"]
    later(timedelta(seconds=61))
    sender.send()
    assert asked == ["on_ticket"] * 2


def test_what_is_kept_beside_the_vault_is_no_secret(acme: OrganizationRecord) -> None:
    made = rotate(acme, "on_ticket")
    assert made.secret.startswith(PREFIX) and len(made.secret) > 40
    again = rotate(acme, "on_ticket", timedelta(hours=1))
    assert made.previous_until is None and again.previous_until == again.rotated_at + timedelta(hours=1)
    with org_context(acme):
        [row] = Webhook.objects.values()
    assert (row["rotated_at"], row["previous_until"]) == (again.rotated_at, again.previous_until)
    assert again.secret not in repr((row, again, credentials_of(acme, "on_ticket")))
    assert made.secret not in repr(credentials_of(acme, "on_ticket"))


def test_no_workflow_reads_it(sender: Sender, acme: OrganizationRecord) -> None:
    for name in ("on_ticket", "webhooks", "webhooks/on_ticket"):
        with pytest.raises(ConfigurationError):
            secrets.read_secret(acme, name)
    assert not {"on_ticket", "webhooks"} & set(secrets.list_secrets(acme))


def test_a_secret_of_the_same_name_is_another(sender: Sender, acme: OrganizationRecord) -> None:
    secrets.write_secret(acme, "on_ticket", "another")
    try:
        assert secrets.read_secret(acme, "on_ticket") == "another"
        assert sender.send().status_code == 202
        assert Sender(sender.address, "another").send().status_code == 400
    finally:
        secrets.delete_secret(acme, "on_ticket")


@pytest.mark.usefixtures("as_platform")
def test_the_platforms_own_policy_suffices_and_does_not_let_it_read(
    acme: OrganizationRecord, platform_token: str, vault: Any
) -> None:
    first, second = rotate(acme, "on_ticket"), rotate(acme, "on_ticket")
    found = credentials_of(acme, "on_ticket")
    assert found is not None and (found.previous, found.current) == (first.secret, second.secret)
    path = f"{django_settings.VAULT_MOUNT}/data/orgs/acme/webhooks/on_ticket"
    assert vault("GET", path, token=platform_token).status_code == 403


def test_organizations_have_secrets_of_their_own(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    rotate(acme, "on_ticket")
    assert credentials_of(globex, "on_ticket") is None


@pytest.mark.parametrize("name", ["Täglich", "a/b", "with blank", "x" * 100])
def test_any_workflows_name_has_its_place(acme: OrganizationRecord, name: str) -> None:
    made = rotate(acme, name)
    found = credentials_of(acme, name)
    assert found is not None and found.current == made.secret


def test_where_the_vault_is_away_nothing_changes(sender: Sender, acme: OrganizationRecord, settings: Any) -> None:
    address = settings.VAULT_ADDR
    settings.VAULT_ADDR = f"http://127.0.0.1:{free_port()}"
    secrets.reset()
    before = _rows(acme)
    with pytest.raises(VaultUnavailable):
        rotate(acme, "on_ticket")
    assert _rows(acme) == before
    settings.VAULT_ADDR = address
    secrets.reset()
    credentials.forget()
    assert sender.send().status_code == 202


def test_a_vault_that_refuses_the_write_changes_nothing(
    sender: Sender, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise VaultUnavailable("The vault is sealed.")

    monkeypatch.setattr(secrets, "write_at", refuse)
    before = _rows(acme)
    with pytest.raises(VaultUnavailable):
        rotate(acme, "on_ticket")
    assert _rows(acme) == before and sender.send().status_code == 202


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_come_one_after_the_other(transactional_db: None, acme: OrganizationRecord) -> None:
    rotate(acme, "on_ticket")
    made: list[tuple[datetime, str]] = []
    begin = threading.Barrier(4)

    def turn() -> None:
        begin.wait()
        try:
            rotation = rotate(acme, "on_ticket")
        finally:
            connections.close_all()
        made.append((rotation.rotated_at, rotation.secret))

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = credentials_of(acme, "on_ticket")
    assert found is not None
    # Nobody's secret was lost between a read and a write: the last two are there.
    assert [secret for _, secret in sorted(made)][-2:] == [found.previous, found.current]


def test_an_organization_that_is_dropped_leaves_none(acme: OrganizationRecord) -> None:
    gone = make_organization("gone")
    secrets.prepare_organization(gone)
    secrets.write_at(webhooks_place(gone), "on_ticket", "x")
    assert secrets.read_at(gone, webhooks_place(gone), "on_ticket") == "x"
    secrets.remove_organization(gone)
    assert secrets.list_at(webhooks_place(gone)) == []


def _rows(organization: OrganizationRecord) -> list[dict[str, Any]]:
    with org_context(organization):
        return list(Webhook.objects.values())
