"""GET /api/connections: what an organization can use, and nothing that is secret or another's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from integrations.oauth import fleet, refreshing
from orgs.permissions import EXECUTE_WORKFLOWS, VIEW_CONFIG
from orgs.records import OrganizationRecord
from tests.factories import make_token
from tests.integrations.authorization_server import AuthorizationServer, authorization_server
from tests.integrations.connecting import connect, connected, make, microsoft, time_passes


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    with authorization_server(settings) as running:
        yield running


def ask(organization: OrganizationRecord, *permissions: str, **headers: str) -> Any:
    token = make_token(organization, permissions or (VIEW_CONFIG,))
    return Client().get("/api/connections", headers={"Authorization": f"Bearer {token}", **headers})


def test_its_own_connections_with_what_uses_them(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    fleet.note_use(acme, id_, "nightly_report")
    answer = ask(acme)
    [found] = answer.json()["results"]
    assert found.pop("expiresAt").endswith("Z")
    assert found == {
        "connectionId": str(id_),
        "name": "HaloPSA",
        "provider": "generic",
        "grant": "authorization_code",
        "shared": False,
        "status": "connected",
        "scopes": ["read", "write", "offline_access"],
        "lastError": None,
        "usedBy": ["nightly_report"],
    }
    assert [secret for secret in server.secrets if secret in answer.content.decode()] == []


def test_another_organization_s_are_not_there(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    connected(globex, server)
    connected(msp, server, "Private")
    assert ask(acme).json() == {"results": [], "next": None}
    assert ask(acme, **{"X-Organization-Id": "globex"}).status_code == 403


def test_a_shared_one_tells_customers_nothing_of_the_msp_s_account(
    acme: OrganizationRecord, msp: OrganizationRecord, globex: OrganizationRecord, server: AuthorizationServer
) -> None:
    halo = connected(msp, server, "Halo of the MSP", shared=True)
    fleet.note_use(globex, halo, "of_globex")
    server.revoke()
    time_passes(msp, halo, 3600)
    with pytest.raises(Exception, match="reconnected"):
        refreshing.credentials_now(acme, "Halo of the MSP")
    connect(msp, make(msp, microsoft(server), server))
    found = {each["name"]: each for each in ask(acme).json()["results"]}
    assert (found["Microsoft"]["shared"], found["Microsoft"]["status"]) == (True, "connected")
    broken = found["Halo of the MSP"]
    assert (broken["status"], broken["lastError"], broken["usedBy"]) == ("expired", "The MSP has to look after it.", [])
    assert "invalid_grant" in ask(msp, **{"X-Organization-Id": "msp"}).content.decode()


def test_it_needs_a_permission(acme: OrganizationRecord) -> None:
    refused = ask(acme, EXECUTE_WORKFLOWS)
    assert (refused.status_code, refused.json()["details"]) == (403, {"required_permission": VIEW_CONFIG})
    assert Client().get("/api/connections").status_code == 401
