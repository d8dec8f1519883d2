"""Alerts before a connection ends and when it has, once each, and over when it is well again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bifrost import IntegrationError
from integrations.oauth import connections, fleet, refreshing
from orgs.records import OrganizationRecord
from tests.integrations.authorization_server import AuthorizationServer, authorization_server
from tests.integrations.connecting import ADA, connect, connected, make, time_passes, values_for
from workflows_app import maintenance
from workflows_app.alerts.connections import watch_connections

from .rows import alert, alerts, shown

DAY = 86_400


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    with authorization_server(settings) as running:
        yield running


def die(organization: OrganizationRecord, server: AuthorizationServer) -> Any:
    id_ = connected(organization, server)
    fleet.note_use(organization, id_, "nightly_report")
    server.revoke()
    time_passes(organization, id_, 3600)
    with pytest.raises(IntegrationError):
        refreshing.credentials_now(organization, "HaloPSA")
    return id_


def test_one_that_has_to_be_reconnected_is_told_once_and_over_when_it_is(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = die(acme, server)
    assert (watch_connections(), watch_connections()) == (1, 0)
    told = alert(acme)
    assert (told.kind, told.severity, told.state, told.count) == ("connection", "critical", "open", 1)
    assert told.title == "The connection HaloPSA does not work any more"
    assert "does not accept the refresh token" in told.message and "nightly_report" in told.message
    assert not [secret for secret in server.secrets if secret in f"{told.message}{told.details}"]

    connect(acme, id_)

    assert (watch_connections(), watch_connections()) == (1, 0)
    assert (alert(acme).state, alert(acme).resolved_by["name"]) == ("resolved", "Bifrost")
    assert shown() == []


def test_one_that_nobody_can_renew_is_told_three_days_ahead(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    server.gives_refresh_tokens, server.expires_in = False, 10 * DAY
    id_ = connected(acme, server)
    assert watch_connections() == 0
    time_passes(acme, id_, 7 * DAY + 60)
    assert (watch_connections(), watch_connections()) == (1, 0)
    assert (alert(acme).severity, alert(acme).title) == ("warning", "The connection HaloPSA is about to end")
    time_passes(acme, id_, 3 * DAY)
    maintenance.mark_ended()
    assert watch_connections() == 1
    assert [(each.severity, each.state) for each in alerts(acme)] == [("warning", "resolved"), ("critical", "open")]


def test_one_that_is_renewed_by_itself_is_not_about_to_end(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    connected(acme, server)
    make(acme, values_for(server, "Not connected yet"), server)
    assert watch_connections() == 0 and alerts(acme) == []


def test_one_that_was_disconnected_or_deleted_is_over(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = die(acme, server)
    watch_connections()
    connections.disconnect(acme, id_, ADA)
    watch_connections()
    assert alert(acme).state == "resolved"


def test_the_maintenance_does_all_of_it(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    assert {"mark_ended", "watch_connections", "refresh_idle"} <= {part.__name__ for part in maintenance.PARTS}
