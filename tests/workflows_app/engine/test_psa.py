"""The integrations that ship for service desks, asked for by name in real runs."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest

from integrations import access_tokens, breakers
from integrations.configs import set_config
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from tests.integrations.connectwise import server as connectwise
from tests.integrations.connectwise.server import ConnectWiseServer
from tests.integrations.generic.server import TOKEN, PetServer
from tests.integrations.halopsa.server import CLIENT_ID, CLIENT_SECRET, HaloServer
from tests.integrations.vendor import Vendor, served
from tests.workflows_app.engine.conftest import Run, Workspace, journal, recorded
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker
from workflows_app import queries

Serve = Callable[[Any], Any]


@pytest.fixture
def playing(settings: Any) -> Iterator[Serve]:
    """Serves a vendor, which runs may call although it is on loopback."""
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    breakers.forget()
    access_tokens.forget()
    with ExitStack() as stack:

        def serve(vendor: Vendor) -> Any:
            stack.enter_context(served(vendor))
            return vendor

        yield serve
    breakers.forget()
    access_tokens.forget()


@pytest.fixture
def halo(playing: Serve, acme: OrganizationRecord) -> HaloServer:
    server: HaloServer = playing(HaloServer())
    set_config(acme, "halopsa_url", server.url)
    set_config(acme, "halo_client_id", CLIENT_ID)
    write_secret(acme, "halopsa_api_key", CLIENT_SECRET)
    return server


def test_a_ticket_is_made_once_although_the_run_resumes(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, halo: HaloServer
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            halo = context.get_integration("HaloPSA")
            ticket = await halo.create_ticket("1", "Login", "Cannot sign in", priority="high")
            await context.wait_for_signal("go")
            closed = await halo.close_ticket(ticket["id"], "Done")
            return [closed["id"], closed["status_id"], len(await halo.get_tickets(open_only=True))]
        """
    )
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    halo.forget_tokens()

    signal(acme, outcome, "go")

    (ticket,) = halo.items["Tickets"]
    assert worker.end_of(acme, outcome).result == [ticket["id"], 9, 0]
    assert len(halo.asked_for("POST", "/api/Tickets")) == 2
    shown = str(journal(acme, outcome)) + str(recorded(acme, outcome).result)
    assert CLIENT_SECRET not in shown
    assert "halo-token-" not in shown


def test_one_token_of_halo_s_serves_all_runs_of_an_organization(
    run: Run, workspace: Workspace, halo: HaloServer
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            return await context.get_integration("halopsa").get_agents()
        """
    )

    assert [run("example").result, run("example").result] == [[], []]
    assert len(halo.asked_for("POST", "/auth/token")) == 1


def test_the_advanced_document_s_workflow_makes_a_connectwise_ticket(
    run: Run, workspace: Workspace, acme: OrganizationRecord, playing: Serve
) -> None:
    server: ConnectWiseServer = playing(ConnectWiseServer())
    for key, value in (
        ("connectwise_url", server.url),
        ("connectwise_company", "acme"),
        ("cw_company_id", connectwise.COMPANY),
        ("cw_public_key", connectwise.PUBLIC),
        ("cw_client_id", connectwise.CLIENT),
    ):
        set_config(acme, key, value)
    write_secret(acme, "cw_private_key", connectwise.PRIVATE)
    workspace.add(
        """
        @workflow(name="create_cw_ticket")
        async def create_ticket(context, summary, description):
            # Get pre-authenticated client
            cw = context.get_integration('connectwise')

            # Use it immediately - already authenticated
            ticket = await cw.create_ticket(summary, description)

            return {"ticket_id": ticket['id'], "ticket_url": ticket['url']}
        """
    )

    outcome = run("create_cw_ticket", summary="Printer", description="It is on fire")

    assert outcome.result["ticket_id"] == 1
    assert outcome.result["ticket_url"].startswith(server.url)
    record = queries.get_execution(acme, UUID(outcome.execution_id))
    assert [(call["integration"], call["method"], call["endpoint"]) for call in record["integrationCalls"]] == [
        ("connectwise", "POST", "/service/tickets")
    ]
    assert connectwise.PRIVATE not in str(journal(acme, outcome))


def test_a_plain_function_uses_any_service_and_its_key_is_nowhere_in_the_record(
    run: Run, workspace: Workspace, acme: OrganizationRecord, playing: Serve
) -> None:
    server: PetServer = playing(PetServer())
    server.closed = "query"
    write_secret(acme, "pets_token", TOKEN)
    workspace.add(
        """
        @workflow
        def example(context, url):
            generic = context.get_integration("generic")
            pets = generic.open("pets", document=url, authentication={"query": {"api_key": "pets_token"}})
            pet = pets.create_pet(body={"name": "Tom"})
            return [pet["id"], len(pets.list_pets())]
        """
    )

    outcome = run("example", url=f"{server.url}/openapi.json")

    assert outcome.result == [1, 1]
    assert server.asked_for("POST", "/v1/pets")[0].query == {"api_key": TOKEN}
    assert TOKEN not in str(journal(acme, outcome))
