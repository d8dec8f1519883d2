"""Configs and secrets that people set or remove leave one event each, which never holds the value."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from bifrost.sdk.errors import ValidationError
from integrations import secrets
from integrations.configs import delete_config, set_config
from integrations.errors import VaultUnavailable
from integrations.models import Config
from integrations.secret_defaults import delete_default, write_default
from integrations.secret_places import MSP_DEFAULTS, own_place
from integrations.secrets import delete_secret, list_at, write_secret
from orgs import audit
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import events, log
from tests.factories import make_actor, make_user
from tests.integrations.conftest import Ask

ADA = make_actor()
CONFIGS = "/o/acme/admin/integrations/config/"


@pytest.fixture
def olga(msp: OrganizationRecord) -> Client:
    client = Client()
    client.force_login(make_user(msp, "admin", email="olga@msp.example", name="Olga", all_organizations=True))
    return client


# --- Configs ------------------------------------------------------------------------------------------------------


def test_configs_by_page(olga: Client, acme: OrganizationRecord) -> None:
    for key in ("first", "second", "third"):
        olga.post(f"{CONFIGS}add/", {"key": key, "type": "string", "text": "the value"})
    with org_context(acme):
        ids = {config.key: str(config.id) for config in Config.objects.all()}
    olga.post(f"{CONFIGS}{ids['first']}/change/", {"key": "first", "type": "int", "text": "3"})
    olga.post(f"{CONFIGS}{ids['first']}/delete/", {"post": "yes"})
    chosen = [ids["second"], ids["third"]]
    olga.post(CONFIGS, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})

    assert log("config.set") == [
        ("config.set", f"config:{key}", "Olga") for key in ("first", "second", "third", "first")
    ]
    assert sorted(log("config.delete")) == [("config.delete", f"config:{key}", "Olga") for key in sorted(ids)]
    assert events("config.set")[-1].metadata == {"type": "int"}
    assert {event.organization for event in events()} == {acme.id}
    assert len(events()) == 7


def test_configs_by_command(acme: OrganizationRecord) -> None:
    call_command("set_config", "--org", "acme", "timeout", "30", "--type", "int", stdout=io.StringIO())
    call_command("set_config", "--org", "acme", "timeout", "--delete", stdout=io.StringIO())
    with pytest.raises(CommandError):
        call_command("set_config", "--org", "acme", "timeout", "--delete")
    assert log() == [
        ("config.set", "config:timeout", "Command line"),
        ("config.delete", "config:timeout", "Command line"),
    ]


def test_a_config_that_cannot_be_leaves_nothing(olga: Client, acme: OrganizationRecord) -> None:
    olga.post(f"{CONFIGS}add/", {"key": "bad key", "type": "string", "text": "x"})
    with pytest.raises(ValidationError):
        set_config(acme, "number", "three", "int", ADA)
    assert delete_config(acme, "not_there", ADA) is False
    assert log() == []


# --- Secrets ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(acme: OrganizationRecord, vault: Ask) -> OrganizationRecord:
    secrets.prepare_organization(acme)
    return acme


def set_secret(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("the s3cret value"))
    call_command("set_secret", *arguments, stdout=io.StringIO())


def test_secrets_by_command(stored: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    set_secret(monkeypatch, "--org", "acme", "api_key")
    set_secret(monkeypatch, "--org", "acme", "api_key", "--delete")
    set_secret(monkeypatch, "--tag", "gold", "api_key")
    set_secret(monkeypatch, "--msp-default", "api_key")
    set_secret(monkeypatch, "--msp-default", "api_key", "--delete")

    done = ("set", "delete", "set", "set", "delete")
    assert log() == [(f"secret.{what}", "secret:api_key", "Command line") for what in done]
    places = ["orgs/acme", "orgs/acme", "tags/gold", "msp/defaults", "msp/defaults"]
    assert [event.metadata for event in events()] == [{"place": place} for place in places]
    assert [event.organization for event in events()] == [stored.id, stored.id, None, None, None]


def test_by_the_functions_it_is_in_the_actors_name(stored: OrganizationRecord) -> None:
    write_secret(stored, "api_key", "the s3cret value", ADA)
    write_default(MSP_DEFAULTS, "api_key", "the s3cret value", ADA)
    assert delete_secret(stored, "api_key", ADA) and delete_default(MSP_DEFAULTS, "api_key", ADA)
    assert {event.actor_name for event in events()} == {"Ada"} and len(events()) == 4


def test_a_secret_that_cannot_be_leaves_nothing(stored: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (("bad name",), ("not_there", "--delete")):
        with pytest.raises(CommandError):
            set_secret(monkeypatch, "--org", "acme", *arguments)
        with pytest.raises(CommandError):
            set_secret(monkeypatch, "--msp-default", *arguments)
    assert log() == []


def test_where_the_vault_is_away_nothing_is_recorded(acme: OrganizationRecord, settings: Settings) -> None:
    settings.VAULT_ADDR = "http://127.0.0.1:9"
    secrets.reset()
    with pytest.raises(VaultUnavailable):
        write_secret(acme, "api_key", "the s3cret value", ADA)
    with pytest.raises(VaultUnavailable):
        delete_default(MSP_DEFAULTS, "api_key", ADA)
    assert log() == []


def test_where_the_log_cannot_be_written_the_vault_is_not_touched(
    stored: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audit, "record_all", refuse)
    with pytest.raises(ZeroDivisionError):
        write_secret(stored, "api_key", "the s3cret value", ADA)
    assert list_at(own_place(stored)) == []
