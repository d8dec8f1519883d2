from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bifrost.sdk.errors import ConfigurationError
from integrations import queries, secrets
from integrations.secret_places import MSP_DEFAULTS, tag_place
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask

TypeIn = Callable[..., str]


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> TypeIn:
    """set_secret(text, *arguments) with the text on standard input; returns what the command said."""

    def run(text: str | bytes, *arguments: str) -> str:
        raw = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8", newline=""))
        return say("set_secret", *arguments)

    return run


def say(*arguments: str) -> str:
    said = io.StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


@pytest.fixture
def stored(acme: OrganizationRecord, vault: Ask) -> Iterator[OrganizationRecord]:
    secrets.prepare_organization(acme)
    yield acme
    for name in secrets.list_secrets(acme):
        secrets.delete_secret(acme, name)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("hunter22\n", "hunter22"), ("hunter22", "hunter22"), ("two\nlines\n\n", "two\nlines\n"), ("a\r\n", "a")],
)
def test_sets_a_secret_from_standard_input(stored: OrganizationRecord, type_in: TypeIn, typed: str, kept: str) -> None:
    said = type_in(typed, "api_key", "--org", "acme")
    assert secrets.read_secret(stored, "api_key") == kept
    assert "api_key" in said
    assert "hunter22" not in said


def test_deletes_a_secret_and_reads_no_value(stored: OrganizationRecord, type_in: TypeIn) -> None:
    secrets.write_secret(stored, "api_key", "x")
    assert "Deleted" in type_in("", "api_key", "--org", "acme", "--delete")
    with pytest.raises(ConfigurationError):
        secrets.read_secret(stored, "api_key")
    with pytest.raises(CommandError, match="no secret 'api_key'"):
        type_in("", "api_key", "--org", "acme", "--delete")


def test_sets_defaults_of_a_tag_and_of_the_msp(stored: OrganizationRecord, type_in: TypeIn) -> None:
    name = f"key_{stored.id.hex}"
    type_in("of the tag", name, "--tag", "gold")
    type_in("of the msp", name, "--msp-default")
    assert name in secrets.list_at(tag_place("gold"))
    assert secrets.find_secret(stored, name).origin == "msp"
    for whose in (["--tag", "gold"], ["--msp-default"]):
        type_in("", name, *whose, "--delete")
    assert name not in secrets.list_at(MSP_DEFAULTS)


@pytest.mark.parametrize(
    ("typed", "arguments", "complaint"),
    [
        ("x", ["api_key", "--org", "nobody"], "no organization 'nobody'"),
        ("x", ["a/b", "--org", "acme"], "cannot name a secret"),
        ("", ["api_key", "--org", "acme"], "not empty"),
        ("\n", ["api_key", "--org", "acme"], "not empty"),
        (b"\xff", ["api_key", "--org", "acme"], "not UTF-8"),
        ("x", ["api_key"], "required"),
        ("x", ["api_key", "--org", "acme", "--msp-default"], "not allowed"),
        ("x", ["api_key", "--tag", "a/b"], "cannot have secrets"),
    ],
)
@pytest.mark.usefixtures("stored")
def test_says_what_is_wrong_with_a_secret(
    type_in: TypeIn, typed: str | bytes, arguments: list[str], complaint: str
) -> None:
    with pytest.raises(CommandError, match=complaint):
        type_in(typed, *arguments)


def test_sets_and_deletes_a_config(acme: OrganizationRecord) -> None:
    say("set_config", "timeout", "30", "--org", "acme", "--type", "int")
    say("set_config", "api_key", "halopsa_api_key", "--org", "acme", "--type", "secret")
    assert [(row.key, row.type, row.value) for row in queries.config_rows(acme)] == [
        ("api_key", "secret", "halopsa_api_key"),
        ("timeout", "int", 30),
    ]
    say("set_config", "timeout", "--org", "acme", "--delete")
    assert [row.key for row in queries.config_rows(acme)] == ["api_key"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["key", "x", "--org", "nobody"], "no organization 'nobody'"),
        (["key", "x"], "--org"),
        (["key", "--org", "acme"], "either a value or --delete"),
        (["key", "x", "--org", "acme", "--delete"], "either a value or --delete"),
        (["key", "--org", "acme", "--delete"], "no config 'key'"),
        (["key", "x", "--org", "acme", "--type", "int"], "not of the type int"),
        (["key", "x", "--org", "acme", "--type", "text"], "invalid choice"),
        (["a key", "x", "--org", "acme"], "cannot be a config's key"),
    ],
)
@pytest.mark.usefixtures("acme")
def test_says_what_is_wrong_with_a_config(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        say("set_config", *arguments)


def test_a_negative_number_is_no_option(acme: OrganizationRecord) -> None:
    say("set_config", "offset", "-5", "--org", "acme", "--type", "int")
    assert queries.config_rows(acme)[0].value == -5


def test_prepares_the_vault_with_every_organizations_policy(stored: OrganizationRecord, vault: Ask) -> None:
    vault("DELETE", "sys/policies/acl/org-acme").raise_for_status()
    assert "policies of 3 organizations" in say("prepare_vault")
    assert vault("GET", "sys/policies/acl/org-acme").status_code == 200


@pytest.mark.django_db
def test_a_sign_in_is_made_where_it_is_asked_for(settings: Any) -> None:
    printed = dict(line.split("=", 1) for line in say("prepare_vault", "--approle").splitlines() if "=" in line)

    settings.VAULT_TOKEN = ""
    settings.VAULT_ROLE_ID, settings.VAULT_SECRET_ID = printed["VAULT_ROLE_ID"], printed["VAULT_SECRET_ID"]
    secrets.reset()
    assert secrets.health().healthy
