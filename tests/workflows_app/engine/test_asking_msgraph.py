"""Runs that ask Microsoft Graph: nobody is made twice, and no password and no token is in the record."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from integrations import access_tokens, breakers
from integrations.configs import set_config
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.server import CLIENT_ID, CLIENT_SECRET, Graph, graph_served
from tests.integrations.vendor import Fault, Reply
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal, recorded
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker
from workflows_app import queries
from workflows_app.executions import Start, submit

SIGN_IN, USERS = ("POST", "/{id}/oauth2/v2.0/token"), ("POST", "/v1.0/users")


@pytest.fixture
def graph(settings: Any, transactional_db: None, acme: OrganizationRecord) -> Iterator[Graph]:
    """Microsoft's side; acme is connected to it."""
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    breakers.forget()
    access_tokens.forget()
    with graph_served() as served:
        set_config(acme, "msgraph_client_id", CLIENT_ID)
        served.tenant = acme.tenant_id
        set_config(acme, "msgraph_url", f"{served.url}/v1.0")
        set_config(acme, "msgraph_login_url", served.url)
        write_secret(acme, "msgraph_client_secret", CLIENT_SECRET)
        yield served
    access_tokens.forget()
    breakers.forget()


CREATE = """
    @workflow(execution_mode="async")
    async def example(context):
        graph = context.get_integration("msgraph")
        user = await graph.create_user("ann@acme.example", "Ann", usage_location="NO")
        await graph.assign_license(user, "ENTERPRISEPACK")
        context.log("info", "made", user)
        await context.wait_for_signal("go")
        reset = await graph.reset_password(user)
        return {"id": user.id, "first": user.initial_password, "then": reset["initial_password"]}
"""


def test_a_run_that_resumes_makes_nobody_twice_and_knows_the_password_still(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, graph: Graph
) -> None:
    workspace.add(CREATE)
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    first = next(iter(graph.directory.passwords.values()))

    signal(acme, outcome, "go")
    end = worker.end_of(acme, outcome)

    (ann,) = graph.directory.users.values()
    assert end.result == {"id": ann["id"], "first": first, "then": graph.directory.passwords[ann["id"]]}
    assert first != end.result["then"]
    assert len(graph.asked_for(*USERS)) == 1
    assert [license["skuId"] for license in ann["assignedLicenses"]] == [E3]


def test_the_record_holds_no_password_no_token_and_no_secret(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, graph: Graph
) -> None:
    workspace.add(CREATE)
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    first = next(iter(graph.directory.passwords.values()))
    signal(acme, outcome, "go")
    worker.end_of(acme, outcome)

    shown = str(journal(acme, outcome))

    for secret in (first, *graph.directory.passwords.values(), *graph.tokens, CLIENT_SECRET):
        assert secret not in shown
    (made,) = [data for _, name, data in journal(acme, outcome, "step") if name == "msgraph create_user"]
    assert (made["value"]["displayName"], made["value"]["initial_password"], made["implicit"]) == (
        "Ann",
        "REDACTED",
        True,
    )
    record = queries.get_execution(acme, UUID(outcome.execution_id))
    calls = [(call["method"], call["endpoint"], call["status_code"]) for call in record["integrationCalls"]]
    assert calls[:4] == [
        (*SIGN_IN, 200),
        (*USERS, 201),
        ("GET", "/v1.0/subscribedSkus", 200),
        ("POST", "/v1.0/users/{id}/assignLicense", 200),
    ]


def test_a_run_that_resumes_needs_no_user_that_it_has_deleted_since(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, graph: Graph
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, group):
            graph = context.get_integration("msgraph")
            await graph.assign_license("ann@acme.example", "ENTERPRISEPACK", usage_location="NO")
            await graph.remove_license("ann@acme.example", "ENTERPRISEPACK")
            await graph.set_manager("bob@acme.example", "ann@acme.example")
            await graph.add_user_to_group("ann@acme.example", group)
            await graph.remove_user_from_group("ann@acme.example", group)
            await graph.disable_user("ann@acme.example")
            await graph.delete_user("ann@acme.example")
            await context.wait_for_signal("go")
            return "gone"
        """
    )
    group = graph.directory.add_group("IT-Users")
    graph.directory.add_user("Ann")
    graph.directory.add_user("Bob")
    worker.start()
    outcome = worker.submit("example", group=group["id"])
    wait_suspended(acme, outcome)
    before = len(graph.asked)

    signal(acme, outcome, "go")

    assert worker.end_of(acme, outcome).result == "gone"
    assert len(graph.asked) == before
    assert [user["displayName"] for user in graph.directory.users.values()] == ["Bob"]


def test_runs_share_the_token_and_one_that_expires_midway_is_replaced(
    run: Run, workspace: Workspace, graph: Graph
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            return len(await context.get_integration("msgraph").get_users())
        """
    )
    graph.directory.add_user("Ann")

    assert [run("example").result for _ in range(3)] == [1, 1, 1]
    assert graph.made == 1

    graph.expire_tokens()
    assert [run("example").result for _ in range(2)] == [1, 1]
    assert graph.made == 2


def test_a_user_whose_answer_was_lost_is_not_made_again_and_the_author_is_told(
    run: Run, workspace: Workspace, graph: Graph
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            graph = context.get_integration("msgraph")
            try:
                await graph.create_user("ann@acme.example")
            except IntegrationError as error:
                found = await graph.get_user("ann@acme.example")
                return [error.status_code, found.display_name]
        """
    )
    graph.faults.extend([Fault(effect=True), Fault(Reply(504), effect=True)])

    assert run("example").result == [504, "ann"]
    assert len(graph.asked_for(*USERS)) == 1


def test_a_plain_function_reads_a_stream_and_its_results_are_a_result(
    run: Run, workspace: Workspace, graph: Graph
) -> None:
    workspace.add(
        """
        @workflow
        def example(context):
            graph = context.get_integration("msgraph")
            context.set_variable("skus", graph.get_subscribed_skus())
            return [user for user in graph.get_users_stream(select="displayName")]
        """
    )
    for name in ("Ann", "Bob", "Carl"):
        graph.directory.add_user(name)
    graph.page_size = 2

    outcome = run("example")

    assert outcome.result == [{"displayName": "Ann"}, {"displayName": "Bob"}, {"displayName": "Carl"}]


def test_a_dry_run_of_it_changes_nothing(
    engine_stops: None, workspace: Workspace, acme: OrganizationRecord, graph: Graph
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            graph = context.get_integration("msgraph")
            user = await graph.create_user("ann@acme.example", "Ann", "IT")
            await graph.add_user_to_group(user["id"], await graph.get_group_by_name("IT-Users"))
            return user.display_name
        """
    )
    graph.directory.add_group("IT-Users")

    outcome = submit(Start(acme, "example", {}, ADA, {"type": "api", "dryRun": True}))

    assert (outcome.status, outcome.result) == ("Success", "Ann")
    assert graph.directory.users == {}
    record = queries.get_execution(acme, UUID(outcome.execution_id))
    would = [call["would_send"] for call in record["integrationCalls"] if call.get("dry_run")]
    assert would[0]["passwordProfile"]["password"] == "REDACTED"
    assert recorded(acme, outcome).trigger["dryRun"] is True


def test_an_organization_that_is_not_connected_is_told_what_is_missing(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            await context.get_integration("msgraph").get_users()
        """
    )

    error = run("example").error

    assert (error["error"], error["details"]) == ("ConfigurationError", {"config_key": "msgraph_client_id"})
    assert "Microsoft Graph is not connected" in error["message"]
