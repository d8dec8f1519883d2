"""What a run gets of an OAuth connection: a token that lives, which is in no record."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from integrations.fleet.models import ConnectionUse
from integrations.oauth import fleet, refreshing
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.integrations.authorization_server import AuthorizationServer, authorization_server
from tests.integrations.connecting import connect, connected, make, microsoft, time_passes
from tests.integrations.vendor import Fault
from tests.workflows_app.engine.conftest import Run, Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker

HOUR = 3600


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    fleet.forget()
    with authorization_server(settings) as running:
        yield running


ASKS = """
    @workflow()
    async def example(context, name):
        halo = await context.get_oauth_connection(name)
        context.log("info", f"header {halo.get_auth_header()}", {"credentials": repr(halo)})
        return {"fits": halo.access_token in halo.get_auth_header(), "expired": halo.is_expired(),
                "scopes": list(halo.scopes), "name": halo.connection_name, "leak": halo.access_token}

    @workflow()
    def blocking(context, name):
        return context.get_oauth_connection(name).get_auth_header().startswith("Bearer access-")
"""


@pytest.fixture
def asks(workspace: Workspace) -> None:
    workspace.add(ASKS)


@pytest.mark.usefixtures("asks")
def test_a_run_gets_credentials_by_a_name_of_whatever_case(
    run: Run, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    connected(acme, server)
    end = run("example", name="HALOPSA")
    assert end.result == {
        "fits": True,
        "expired": False,
        "scopes": ["read", "write"],
        "name": "HaloPSA",
        "leak": "REDACTED",
    }
    assert run("blocking", name="halopsa").result is True
    assert journal(acme, end, "connection") == [("connection", "HaloPSA", None)]


@pytest.mark.usefixtures("asks")
def test_the_token_is_in_no_part_of_the_record(
    run: Run, acme: OrganizationRecord, server: AuthorizationServer, caplog: pytest.LogCaptureFixture
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    end = run("example", name="HaloPSA")
    told = (
        json.dumps([journal(acme, end), recorded(acme, end).result, recorded(acme, end).input], default=str)
        + caplog.text
    )
    assert "Bearer REDACTED" in told
    for secret in server.secrets:
        assert secret not in told
        assert base64.b64encode(secret.encode()).decode() not in told


@pytest.mark.usefixtures("asks")
def test_a_missing_one_is_named(run: Run, acme: OrganizationRecord, server: AuthorizationServer) -> None:
    end = run("example", name="Xero")
    assert (end.status, end.error["error"]) == ("Failed", "ConfigurationError")
    assert end.error["message"] == 'There is no OAuth connection "Xero"'


@pytest.mark.usefixtures("asks")
def test_one_that_has_to_be_reconnected_says_so(
    run: Run, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    server.revoke()
    time_passes(acme, id_, HOUR)
    end = run("example", name="HaloPSA")
    assert (end.status, end.error["error"]) == ("Failed", "IntegrationError")
    assert "has to be reconnected" in end.error["message"]
    assert "Reconnect it" in end.error["details"]["hint"]
    assert end.error["details"]["connection"] == "HaloPSA"


@pytest.mark.usefixtures("asks")
def test_another_organization_s_is_not_there(
    run: Run, acme: OrganizationRecord, globex: OrganizationRecord, server: AuthorizationServer
) -> None:
    connected(globex, server)
    assert run("example", name="HaloPSA").error["error"] == "ConfigurationError"


@pytest.mark.usefixtures("asks")
def test_a_customer_s_run_gets_a_token_of_its_own_tenant(
    run: Run, acme: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = make(msp, microsoft(server), server)
    connect(msp, id_)
    assert run("example", name="microsoft").status == "Success"
    assert server.valid.popitem()[1] == "acme.onmicrosoft.com"


@pytest.mark.usefixtures("asks")
def test_what_uses_a_connection_is_known(
    run: Run, acme: OrganizationRecord, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = connected(acme, server)
    run("example", name="HaloPSA")
    monkeypatch.setattr(fleet, "note_use", lambda *arguments: pytest.fail("It was written within the hour."))
    run("example", name="HaloPSA")
    with shared_context():
        uses = list(ConnectionUse.objects.values_list("connection", "organization", "workflow"))
    assert uses == [(id_, acme.id, "example")]


def test_fifty_runs_at_once_refresh_it_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    workspace.add(ASKS.replace("@workflow()", '@workflow(execution_mode="async")'))
    id_ = connected(acme, server)
    time_passes(acme, id_, HOUR)
    server.faults.append(Fault(seconds=0.5))
    worker.start()
    outcomes = [worker.submit("example", name="HaloPSA") for _ in range(50)]
    ends = [worker.end_of(acme, outcome) for outcome in outcomes]
    assert {end.status for end in ends} == {"Success"}
    assert server.refreshes == 1


def test_an_integration_signs_in_with_it(
    run: Run, workspace: Workspace, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    workspace.add(
        """
        class Halo(BaseIntegration):
            integration_name = "halo_of_ours"

            async def authenticate(self):
                return await self.context.get_oauth_connection("HaloPSA")

            async def ask(self):
                return (await self.http_client.get("/nowhere")).status_code

        @workflow()
        async def example(context, url):
            halo = Halo(context)
            halo.api_url = url
            try:
                await halo.ask()
            except IntegrationError as error:
                return error.status_code
        """
    )
    connected(acme, server)
    assert run("example", url=server.url).result == 404
    asked = server.asked_for("GET", "/nowhere")[0]
    assert asked.headers["authorization"].removeprefix("Bearer ") in server.valid


@pytest.mark.usefixtures("asks")
def test_a_replay_asks_nobody(run: Run, acme: OrganizationRecord, server: AuthorizationServer) -> None:
    from workflows_app.replay import replay_execution

    connected(acme, server)
    end = run("example", name="HaloPSA")
    before = len(server.asked)
    verdict = replay_execution(acme, UUID(end.execution_id))
    assert verdict is not None and len(server.asked) == before
