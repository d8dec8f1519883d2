"""A vault that is stopped, sealed, slow, strange or locked ends every call within seconds and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from bifrost.sdk.errors import IntegrationError, as_document
from integrations import sealing, secrets
from integrations.errors import VaultUnavailable
from integrations.vault_setup import prepare_vault
from orgs.records import OrganizationRecord
from tests.integrations.conftest import make_organization
from tests.integrations.servers import PrivateVault, black_hole, free_port

# Each change of a secret is in the audit log.
pytestmark = pytest.mark.django_db

ORGANIZATION = make_organization("north")

CALLS: list[Callable[[], object]] = [
    lambda: secrets.read_secret(ORGANIZATION, "api_key"),
    lambda: secrets.write_secret(ORGANIZATION, "api_key", "x"),
    lambda: secrets.delete_secret(ORGANIZATION, "api_key"),
    lambda: secrets.list_secrets(ORGANIZATION),
    lambda: secrets.prepare_organization(ORGANIZATION),
    lambda: sealing.seal(ORGANIZATION, {"password": "x"}),
    prepare_vault,
]


def point_at(address: str, settings: Settings) -> None:
    settings.VAULT_ADDR, settings.VAULT_TOKEN = address, "some-token"
    secrets.reset()


@pytest.mark.parametrize("call", CALLS)
def test_a_stopped_vault_cannot_be_reached(call: Callable[[], object], settings: Settings) -> None:
    point_at(f"http://127.0.0.1:{free_port()}", settings)
    with pytest.raises(VaultUnavailable, match="cannot be reached"):
        call()
    assert not secrets.health().healthy


def test_a_vault_that_never_answers_is_given_up(settings: Settings) -> None:
    with black_hole() as address:
        point_at(address, settings)
        began = time.monotonic()
        with pytest.raises(VaultUnavailable, match="did not answer in time"):
            secrets.read_secret(ORGANIZATION, "api_key")
        assert time.monotonic() - began < 3.5


def test_many_who_wait_for_a_vault_that_never_answers_are_all_given_up_together(settings: Settings) -> None:
    with black_hole() as address:
        point_at(address, settings)
        began = time.monotonic()
        futures = [secrets.secret_future(make_organization(f"org{number}"), "api_key") for number in range(40)]
        errors = [future.exception(5) for future in futures]
        assert time.monotonic() - began < 4
        assert all(isinstance(error, VaultUnavailable) for error in errors)
        assert len(secrets._vault().flights._pool._threads) == 4


def test_health_of_a_vault_that_never_answers_is_known_within_a_second_and_then_at_once(settings: Settings) -> None:
    with black_hole() as address:
        point_at(address, settings)
        began = time.monotonic()
        assert not secrets.health().healthy
        assert time.monotonic() - began < 1.5
        again = time.monotonic()
        assert "did not answer in time" in secrets.health().message
        assert time.monotonic() - again < 0.1


def test_a_sealed_vault_is_said_to_be_sealed_and_one_that_stops_to_be_away(own_vault: PrivateVault) -> None:
    prepare_vault()
    secrets.prepare_organization(ORGANIZATION)
    secrets.write_secret(ORGANIZATION, "api_key", "x")
    assert secrets.read_secret(ORGANIZATION, "api_key") == "x"
    assert secrets.health().healthy

    own_vault.seal()
    with pytest.raises(VaultUnavailable, match="is sealed"):
        secrets.read_secret(ORGANIZATION, "api_key")
    secrets.reset()
    assert "is sealed" in secrets.health().message

    own_vault.stop()
    with pytest.raises(VaultUnavailable, match="cannot be reached"):
        secrets.read_secret(ORGANIZATION, "api_key")


def test_a_vault_that_was_not_prepared_is_no_missing_secret(own_vault: PrivateVault) -> None:
    with pytest.raises(VaultUnavailable, match=r"unknown role.*prepare_vault"):
        secrets.read_secret(ORGANIZATION, "api_key")
    with pytest.raises(VaultUnavailable, match="prepare_vault"):
        secrets.list_secrets(ORGANIZATION)


@pytest.mark.parametrize(("status", "body"), [(200, "<html>Hello</html>"), (404, "<html>Not here</html>")])
def test_something_else_at_the_vaults_address_is_no_vault(
    httpserver: HTTPServer, settings: Settings, status: int, body: str
) -> None:
    httpserver.expect_request("").respond_with_data(body, status=status, content_type="text/html")
    point_at(httpserver.url_for(""), settings)
    with pytest.raises(VaultUnavailable, match="is not a vault"):
        secrets.list_secrets(ORGANIZATION)


@pytest.mark.parametrize("status", [429, 500, 502])
def test_a_vault_that_fails_is_unavailable(httpserver: HTTPServer, settings: Settings, status: int) -> None:
    httpserver.expect_request("").respond_with_json({"errors": ["out of luck"]}, status=status)
    point_at(httpserver.url_for(""), settings)
    with pytest.raises(VaultUnavailable, match="out of luck"):
        secrets.list_secrets(ORGANIZATION)


def test_a_token_that_the_vault_does_not_know_is_refused(north: OrganizationRecord, settings: Settings) -> None:
    settings.VAULT_TOKEN = "not-a-token"
    with pytest.raises(VaultUnavailable, match="refused access"):
        secrets.read_secret(north, "api_key")
    assert "refused access" in secrets.health().message


def test_in_a_record_it_is_the_documented_error() -> None:
    document = as_document(VaultUnavailable("The vault is sealed."))
    assert document == {
        "error": "IntegrationError", "message": "The vault is sealed.", "details": {"integration": "vault"},
    }  # fmt: skip
    assert isinstance(VaultUnavailable("x"), IntegrationError)


def test_no_proxy_of_the_environment_sees_secrets(north: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    secrets.write_secret(north, "api_key", "x")
    assert secrets.read_secret(north, "api_key") == "x"
