"""Tokens that live: ahead of their end, one refresh at a time, and nothing lost where something fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from bifrost import ConfigurationError, IntegrationError
from integrations.errors import VaultUnavailable
from integrations.oauth import connections, finding, kept_tokens, leases, refreshing, upkeep
from integrations.oauth.asking import Given
from integrations.oauth.kept_tokens import Kept
from orgs.records import OrganizationRecord
from tests.integrations.at_once import at_once
from tests.integrations.authorization_server import AuthorizationServer, authorization_server
from tests.integrations.connecting import ADA, connect, connected, row, thin_row, time_passes
from tests.integrations.vendor import Fault, Reply

HOUR = 3600


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    with authorization_server(settings) as running:
        yield running


def token(organization: OrganizationRecord, name: str = "HaloPSA") -> str:
    return refreshing.credentials_now(organization, name).access_token


def test_a_fresh_token_is_used_without_asking_anybody(
    acme: OrganizationRecord, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(acme, server)
    first = token(acme)
    monkeypatch.setattr("integrations.secrets.Door.call", _unreachable)
    with CaptureQueriesContext(
        database,
    ) as queries:
        assert token(acme) == first
    assert len([query for query in queries if query["sql"].lstrip().startswith("SELECT 1")]) == 1
    assert server.refreshes == 0


def _unreachable(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("The vault was asked.")


def test_another_process_reads_it_from_the_vault_once(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    connected(acme, server)
    first = token(acme)
    refreshing.forget()  # as a process that has just started
    assert token(acme) == first
    assert server.refreshes == 0


def test_it_is_refreshed_five_minutes_ahead(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    first = token(acme)
    time_passes(acme, id_, HOUR - 310)
    assert token(acme) == first
    time_passes(acme, id_, 15)
    second = token(acme)
    assert second != first and second in server.valid
    assert server.refreshes == 1
    assert token(acme) == second
    found = row(acme, id_)
    assert (found.status, found.last_error, found.refreshing_until) == ("connected", "", None)


def test_a_rotated_refresh_token_takes_the_place_of_the_former(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    """The server ends everything where one is used twice."""
    id_ = connected(acme, server)
    seen = {token(acme)}
    for _ in range(3):
        time_passes(acme, id_, HOUR)
        seen.add(token(acme))
    assert len(seen) == 4 and server.refreshes == 3
    assert not server.families[0].revoked


def test_a_refresh_token_that_stays_is_used_again(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    server.rotates = False
    id_ = connected(acme, server)
    for _ in range(2):
        time_passes(acme, id_, HOUR)
        token(acme)
    assert len({form["refresh_token"] for form in server.token_requests if "refresh_token" in form}) == 1


def test_the_vault_has_the_rotated_token_before_anybody_uses_the_new_one(
    acme: OrganizationRecord, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed after the provider's answer, before the row says so: the next one goes on from there."""
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    monkeypatch.setattr(leases, "store", lambda *arguments: _killed())
    with pytest.raises(Killed):
        token(acme)
    monkeypatch.undo()
    time_passes(acme, id_, 61)  # its lease is over

    assert token(acme) in server.valid
    assert server.refreshes == 1  # it was found in the vault, not asked for again
    time_passes(acme, id_, HOUR)
    assert token(acme) in server.valid
    assert not server.families[0].revoked


class Killed(BaseException):
    pass


def _killed() -> None:
    raise Killed


def test_a_token_that_lives_is_used_where_the_one_who_refreshes_is_slow(
    acme: OrganizationRecord, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "WAIT_WITH_A_TOKEN_SECONDS", 0.3)
    id_ = connected(acme, server)
    first = token(acme)
    time_passes(acme, id_, HOUR - 200)
    assert leases.take(finding.find(acme, "HaloPSA")) is not None  # by somebody who is killed
    assert token(acme) == first and server.refreshes == 0
    time_passes(acme, id_, 61)
    assert token(acme) != first


def test_a_process_that_comes_back_after_its_lease_changes_nothing(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    target = finding.find(acme, "HaloPSA")
    asleep = leases.take(target)
    assert asleep is not None
    time_passes(acme, id_, 61)
    newest = token(acme)
    assert not leases.store(target, asleep, Kept(target.state.version + 1, Given("stale-token", "stale-refresh", 3600)))
    refreshing.forget()
    assert token(acme) == newest


def test_a_refusal_makes_it_expired_and_the_provider_is_left_alone(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    server.revoke()
    time_passes(acme, id_, HOUR)
    for _ in range(3):
        with pytest.raises(
            IntegrationError, match=r"has to be reconnected: invalid_grant: the token REDACTED"
        ) as raised:
            token(acme)
    assert server.refreshes == 1
    assert "Reconnect" in raised.value.details["hint"]
    found = row(acme, id_)
    assert found.status == "expired" and "refresh-" not in found.last_error
    assert thin_row(id_).problem == "The provider does not accept the refresh token any more."

    connect(acme, id_)

    assert token(acme) in server.valid
    assert (row(acme, id_).status, thin_row(id_).problem) == ("connected", "")


def test_an_outage_leaves_a_token_that_lives_and_is_not_asked_about_each_time(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    first = token(acme)
    time_passes(acme, id_, HOUR - 200)
    server.faults.append(Fault(Reply(503, {})))
    for _ in range(3):
        assert token(acme) == first
    assert len(server.token_requests) == 2  # the sign-in, and one that failed
    assert (row(acme, id_).status, row(acme, id_).last_error) == ("connected", "127.0.0.1 answered 503.")
    time_passes(acme, id_, 61)
    assert token(acme) != first
    assert row(acme, id_).last_error == ""


def test_an_outage_that_outlasts_the_token_is_told_and_over_by_itself(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    server.faults.append(Fault(Reply(503, {})))
    for _ in range(3):
        with pytest.raises(IntegrationError, match=r"has no valid token: .* answered 503"):
            token(acme)
    assert len(server.token_requests) == 2
    assert row(acme, id_).status == "failed"
    time_passes(acme, id_, 61)
    assert token(acme) in server.valid
    assert row(acme, id_).status == "connected"


def test_a_sealed_vault_is_said_and_the_refresh_token_is_not_used_up(
    acme: OrganizationRecord, server: AuthorizationServer, settings: Any
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    address, settings.VAULT_ADDR = settings.VAULT_ADDR, "http://127.0.0.1:9"
    from integrations import secrets

    secrets.reset()
    with pytest.raises(VaultUnavailable, match="cannot be reached"):
        token(acme)
    assert server.refreshes == 0
    settings.VAULT_ADDR = address
    secrets.reset()
    assert token(acme) in server.valid  # at once: nobody holds a lease


def test_a_token_that_nobody_can_renew_ends(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    server.gives_refresh_tokens = False
    id_ = connected(acme, server)
    assert token(acme)
    time_passes(acme, id_, HOUR - 10)
    assert token(acme)
    time_passes(acme, id_, 11)
    with pytest.raises(IntegrationError, match="cannot be refreshed"):
        token(acme)
    assert upkeep.mark_ended() == 1
    assert (row(acme, id_).status, thin_row(id_).status) == ("expired", "expired")


def test_a_token_without_an_end_lives_on(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    server.expires_in = None
    id_ = connected(acme, server)
    first = token(acme)
    time_passes(acme, id_, 90 * 86_400)
    assert token(acme) == first
    assert refreshing.credentials_now(acme, "HaloPSA").expires_at is None


def test_a_short_token_is_not_refreshed_at_every_turn(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    server.expires_in = 120
    id_ = connected(acme, server)
    first = token(acme)
    assert token(acme) == first
    time_passes(acme, id_, 61)
    assert token(acme) != first


def test_a_missing_connection_is_named(acme: OrganizationRecord) -> None:
    with pytest.raises(ConfigurationError, match='no OAuth connection "Xero"') as raised:
        token(acme, "Xero")
    assert raised.value.config_key == "Xero"


def test_a_disconnected_one_says_so_and_the_vault_has_nothing_left(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    token(acme)
    connections.disconnect(acme, id_, ADA)
    with pytest.raises(IntegrationError, match="is not connected"):
        token(acme)
    assert kept_tokens.read(acme, id_) is None and kept_tokens.client_secret(acme, id_) == ""


def test_idle_ones_are_refreshed_once_a_week(
    acme: OrganizationRecord, globex: OrganizationRecord, server: AuthorizationServer
) -> None:
    idle, busy = connected(acme, server), connected(globex, server)
    time_passes(acme, idle, 7 * 86_400 + 60)
    time_passes(globex, busy, 6 * 86_400)
    assert upkeep.refresh_idle() == 1
    assert server.refreshes == 1
    assert upkeep.refresh_idle() == 0


def test_one_that_fails_is_tried_again_each_hour(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    server.faults.extend([Fault(Reply(503, {}))] * 2)
    with pytest.raises(IntegrationError):
        token(acme)
    assert (upkeep.refresh_idle(), upkeep.refresh_idle()) == (0, 0)
    time_passes(acme, id_, HOUR + 60)
    assert upkeep.refresh_idle() == 1
    assert thin_row(id_).status == "connected"


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_fifty_callers_at_once_cause_one_refresh(
    transactional_db: None, acme: OrganizationRecord, server: AuthorizationServer, seconds: float
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    server.faults.append(Fault(seconds=seconds))
    tokens = at_once(50, lambda place: token(acme))
    assert len(set(tokens)) == 1 and tokens[0] in server.valid
    assert server.refreshes == 1


def test_a_refresh_that_is_overtaken_by_a_reconnect_loses(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    target = finding.find(acme, "HaloPSA")
    lease = leases.take(target)
    assert lease is not None
    connect(acme, id_)
    newest = token(acme)
    assert not leases.store(target, lease, Kept(target.state.version + 1, Given("stale-token", "", 3600)))
    assert token(acme) == newest


def test_test_says_what_came_of_it(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    assert connections.test(acme, id_) == "The provider gave a new token."
    server.faults.append(Fault(Reply(400, {"error": "invalid_scope", "error_description": "no such scope"})))
    with pytest.raises(Exception, match="invalid_scope: no such scope"):
        connections.test(acme, id_)
    assert row(acme, id_).status == "connected"  # its token lives
    assert connections.test(acme, id_) == "The provider gave a new token."
