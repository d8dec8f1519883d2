"""Dry runs of what a technician does every day go through, and change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.msgraph.client import MicrosoftGraph
from integrations.msgraph.stubs import NOBODY
from tests.integrations.msgraph.conftest import Connect, calls
from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.server import Graph
from workspace.workflows.user_management.create_user import create_user
from workspace.workflows.user_management.user_onboarding import onboard_user


async def onboard(client: MicrosoftGraph, group: str) -> Any:
    user = await client.create_user("ann@acme.example", "Ann Doe", "IT")
    await client.assign_license(user, "ENTERPRISEPACK", usage_location="NO")
    await client.add_user_to_group(user["id"], await client.get_group_by_name(group))
    await client.set_manager(user, NOBODY)
    await client.send_mail(user, "bob@acme.example", "Welcome", "Hello")
    return user


@pytest.mark.asyncio
async def test_an_onboarding_reads_and_says_what_it_would_send(graph: Graph, connect: Connect) -> None:
    group = graph.directory.add_group("IT-Users")
    ctx = connect(dry_run=True)

    user = await onboard(ctx.get_integration("msgraph"), "IT-Users")

    assert (user["id"], user.display_name, user.department) == (NOBODY, "Ann Doe", "IT")
    assert len(user["initial_password"]) == 20
    assert (graph.directory.users, graph.directory.members, graph.directory.mails) == ({}, {group["id"]: []}, [])
    assert {method for method, _ in graph.calls()} == {"GET"}
    would = {f"{call['method']} {call['endpoint']}": call["would_send"] for call in calls(ctx) if call.get("dry_run")}
    assert list(would) == [
        "POST /v1.0/users",
        "PATCH /v1.0/users/{id}",
        "POST /v1.0/users/{id}/assignLicense",
        "POST /v1.0/groups/{id}/members/$ref",
        "PUT /v1.0/users/{id}/manager/$ref",
        "POST /v1.0/users/{id}/sendMail",
    ]
    assert would["POST /v1.0/users/{id}/assignLicense"]["addLicenses"] == [{"skuId": E3, "disabledPlans": []}]


@pytest.mark.asyncio
async def test_so_does_everything_that_changes_something(graph: Graph, connect: Connect) -> None:
    ann = graph.directory.add_user("Ann")
    client = connect(dry_run=True).get_integration("msgraph")

    await client.disable_user(ann)
    await client.enable_user(ann)
    assert (await client.reset_password(ann))["id"] == ann["id"]
    await client.delete_user(ann)
    assert (await client.create_group("IT-Users"))["id"] == NOBODY
    await client.remove_user_from_group(ann, NOBODY)
    assert (await client.remove_license(ann, E3))["id"] == NOBODY
    assert await client.batch([{"url": "/users"}, {"method": "DELETE", "url": f"/users/{ann['id']}"}]) == [{}, {}]

    assert ann["accountEnabled"] is True
    assert [method for method, _ in graph.calls()] == []


@pytest.mark.asyncio
async def test_a_batch_of_reads_goes_out(graph: Graph, connect: Connect) -> None:
    graph.directory.add_user("Ann")

    (users,) = await connect(dry_run=True).get_integration("msgraph").batch([{"url": "/users"}])

    assert [user.display_name for user in users] == ["Ann"]


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.asyncio
async def test_the_shipped_workflows_run_both_ways(graph: Graph, connect: Connect, dry_run: bool) -> None:
    graph.directory.add_group("IT-Users")
    ctx = connect(dry_run=dry_run)

    made = await create_user(ctx, "ann@acme.example", "Ann Doe", "IT")
    onboarded = await onboard_user(ctx, "bob@acme.example", "Bob", "Doe", "IT")

    assert made["success"] and onboarded["success"]
    assert len(graph.directory.users) == (0 if dry_run else 2)
