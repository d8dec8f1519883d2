"""The documents' examples that use Microsoft Graph run as they are written, once their imports and placeholders are
supplied.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import bifrost
from bifrost.sdk import aliases
from bifrost.testing import RecordingContext
from tests.integrations.msgraph.conftest import Connect
from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.server import Graph
from tests.workflows_app.catalog.test_documents import IMPORTS
from tests.workflows_app.catalog.test_documents import SAMPLES as OTHERS

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str, **placeholders: str) -> Any:
    """What an author who copies the sample has."""
    aliases.install()
    file = next(path for path in (SAMPLES / f"{name}.txt", OTHERS / f"{name}.txt") if path.is_file())
    text = file.read_text()
    for placeholder, real in placeholders.items():
        text = text.replace(placeholder.replace("_", "-"), real)
    made: dict[str, Any] = {}
    # What a decorator leaves out is written as three dots.
    text = text.replace('", ...)', '")')
    exec(IMPORTS + text, made)
    return made


class Halo:
    """Another integration of the example's."""

    async def get_tickets(self) -> list[str]:
        return ["ticket"]


def connected_to_both(connect: Connect) -> RecordingContext:
    ctx = connect()
    ctx._host.integrations = {**ctx._host.integrations, "halopsa": lambda context: Halo()}
    return ctx


@pytest.mark.asyncio
async def test_the_guide_s_example_of_microsoft_graph(graph: Graph, connect: Connect) -> None:
    user = graph.directory.add_user("User", userPrincipalName="user@example.com", usageLocation="NO")
    group = graph.directory.add_group("IT-Users")
    example = sample("msgraph_example", group_id=group["id"], license_sku_id=E3)["msgraph_example"]

    result = await example(connect())

    new = graph.directory.user("newuser@example.com")
    assert result == {"users_count": 1, "created_user": new["id"], "licenses_count": 2}
    assert (new["displayName"], new["department"]) == ("New User", "IT")
    assert graph.directory.members[group["id"]] == [user["id"]]
    assert [license["skuId"] for license in user["assignedLicenses"]] == [E3]


@pytest.mark.asyncio
async def test_the_guide_s_example_of_integration_clients(graph: Graph, connect: Connect) -> None:
    graph.directory.add_user("Ann")

    result = await sample("integration_example")["integration_example"](connected_to_both(connect))

    john = graph.directory.user("user@example.com")
    assert result == {"users_count": 1, "created_user": john["id"], "tickets_count": 1}


@pytest.mark.asyncio
async def test_the_guide_s_error_handling(graph: Graph, connect: Connect) -> None:
    example = sample("error_handling_example")["error_handling_example"]
    admin = bifrost.Caller("1", "ada@admin.com", "Ada")
    graph.directory.add_user("Ann")

    ctx = connect(config={"api_endpoint": "x"}, caller=admin)
    assert (await example(ctx, "ann@acme.example"))["user"].display_name == "Ann"
    assert await example(ctx, "bob@acme.example") == {"user": None}

    with pytest.raises(bifrost.IntegrationError, match="Failed to retrieve user: msgraph: POST") as failed:
        wrong = {"msgraph_client_secret": "wrong"}
        await example(connect(config={"api_endpoint": "x"}, caller=admin, secrets=wrong), "ann@acme.example")
    assert (failed.value.status_code, failed.value.details["email"]) == (401, "ann@acme.example")


@pytest.mark.asyncio
async def test_the_guide_s_data_providers(graph: Graph, connect: Connect) -> None:
    providers = sample("organization_data")
    ann = graph.directory.add_user("Ann", department="IT")
    graph.directory.add_user("Bob", accountEnabled=False)

    assert await providers["get_m365_licenses"](connect()) == [
        {"label": "ENTERPRISEPACK (3 available)", "value": E3, "metadata": {"available": 3, "price": 3}}
    ]
    assert await providers["get_users"](connect()) == [
        {
            "label": "Ann (ann@acme.example)",
            "value": ann["id"],
            "metadata": {"email": "ann@acme.example", "department": "IT"},
        }
    ]


@pytest.mark.asyncio
async def test_the_guide_s_workflow_that_assigns_a_license(graph: Graph, connect: Connect) -> None:
    ann = graph.directory.add_user("Ann", usageLocation="NO")

    result = await sample("assign_license")["assign_license"](connect(), ann["id"], E3, "Sales")

    assert result == {"user": ann["id"], "license": E3, "department": "Sales", "assignment_id": ann["id"]}
    assert ann["department"] == "Sales"


@pytest.mark.asyncio
async def test_the_guide_s_composed_workflows(graph: Graph, connect: Connect) -> None:
    workflows = sample("composition")
    ctx = connect(
        workflows={
            "base_user_operation": workflows["base_user_operation"],
            "assign_default_groups": lambda child, user_id, department: None,
        }
    )

    result = await workflows["create_and_setup_user"](ctx, "ann@acme.example", "Ann Doe", "IT")

    ann = graph.directory.user("ann@acme.example")
    assert result == {"user_id": ann["id"], "setup_complete": True}
    with pytest.raises(bifrost.ValidationError, match="User already exists"):
        await workflows["create_and_setup_user"](ctx, "ann@acme.example", "Ann Doe", "IT")


@pytest.mark.asyncio
async def test_the_guide_s_retry_and_the_advanced_document_s_audit(graph: Graph, connect: Connect) -> None:
    result = await sample("resilience")["resilient_user_creation"](connect(), "ann@acme.example", "Ann")
    assert result == {"user_id": graph.directory.user("ann@acme.example")["id"]}

    assert await sample("license_audit")["audit_licenses"](connect()) == {"unused_licenses": [...]}


@pytest.mark.asyncio
async def test_the_advanced_document_s_onboarding(graph: Graph, connect: Connect) -> None:
    group = graph.directory.add_group("IT-Users")
    workflow = sample("complex_onboarding")["onboard_user"]

    ctx = connect()
    result = await workflow(ctx, "john@acme.example", "John", "Doe", "IT")

    john = graph.directory.user("john@acme.example")
    assert result == {"user_id": john["id"], "checkpoints_completed": 3}
    assert graph.directory.members[group["id"]] == [john["id"]]
    assert ctx.get_checkpoint("group_assigned") == {"group_id": group["id"]}


@pytest.mark.asyncio
async def test_the_guide_s_parallel_calls_and_its_stream(graph: Graph, connect: Connect) -> None:
    graph.directory.add_user("Ann")
    graph.directory.add_group("IT-Users")
    client = connect().get_integration("msgraph")

    users, groups = await asyncio.gather(client.get_users(), client.get_groups())

    assert (len(users), len(groups), graph.made) == (1, 1, 1)
    assert [user["displayName"] async for user in client.get_users_stream()] == ["Ann"]
