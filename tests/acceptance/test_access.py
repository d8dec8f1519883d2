"""Who may reach what: foreign ids, foreign organizations, tokens that ended, an organization that is suspended."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Gate, Stack
from tests.acceptance.test_bad_input import refused

PARTS = ["", "/logs", "/journal"]


def echo(stack: Stack, token: str, **headers: str) -> httpx.Response:
    return stack.call("POST", "/api/workflows/echo", token, json={}, headers=headers)


def new_token(stack: Stack, *options: str) -> str:
    return stack.manage("create_token", *options).strip()


@pytest.mark.parametrize("part", PARTS)
def test_another_organization_s_execution_is_one_that_does_not_exist(stack: Stack, part: str) -> None:
    execution = stack.run("echo", "acme", message="ours").json()["executionId"]

    foreign = stack.call("GET", f"/api/executions/{execution}{part}", stack.token("test-org-active"))
    missing = stack.call("GET", f"/api/executions/{uuid4()}{part}", stack.token("test-org-active"))

    refused(foreign, 404, "NotFound")
    assert foreign.content == missing.content
    assert stack.record(execution, "acme")["inputData"] == {"message": "ours"}


def test_no_organization_sees_another_s_executions_in_its_list(stack: Stack) -> None:
    ours = {stack.run("echo", org_id).json()["executionId"]: org_id for org_id in ("acme", "test-org-active")}

    for execution, org_id in ours.items():
        listed = stack.call("GET", "/api/executions", stack.token(org_id)).json()["results"]
        seen = {entry["executionId"] for entry in listed} & set(ours)
        assert seen == {execution}


@pytest.mark.parametrize("other", ["test-org-active", "msp", "no-such-organization"])
def test_a_foreign_organization_in_the_header_is_refused_whether_it_exists_or_not(stack: Stack, other: str) -> None:
    answer = echo(stack, stack.token("acme"), **{"X-Organization-Id": other})

    refused(answer, 403, "PermissionError")
    assert other not in answer.text


def test_a_foreign_organization_s_host_is_refused(stack: Stack) -> None:
    port = stack.url.rpartition(":")[2]

    refused(echo(stack, stack.token("acme"), Host=f"test-org-active.localhost:{port}"), 403, "PermissionError")


def test_a_header_with_an_underscore_names_no_organization(stack: Stack) -> None:
    token = stack.up.document["mspToken"]

    answer = echo(stack, token, **{"X-Organization-Id": "acme", "X_Organization_Id": "test-org-active"})

    assert answer.json()["result"]["org"] == "acme"


def test_the_msp_s_token_has_to_name_an_organization_that_exists(stack: Stack) -> None:
    token = stack.up.document["mspToken"]

    refused(echo(stack, token, **{"X-Organization-Id": "no-such-organization"}), 404, "NotFound")
    assert echo(stack, token).json()["result"]["org"] == "msp"  # it needs no organization


@pytest.mark.parametrize("token", ["", "nonsense", "bfr_nonsense"])
def test_no_token_or_a_bad_one(stack: Stack, token: str) -> None:
    answer = echo(stack, token)

    refused(answer, 401, "Unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token(stack: Stack) -> None:
    token = new_token(stack, "acme", "--name", "expiring", "--expires-in-days", "1")
    assert echo(stack, token).status_code == 200

    stack.sql("UPDATE orgs_apitoken SET expires_at = now() WHERE name = 'expiring'")

    eventually(lambda: echo(stack, token).status_code == 401, "the refusal", 5)
    refused(echo(stack, token), 401, "Unauthenticated")


def test_a_revoked_token(stack: Stack) -> None:
    token = new_token(stack, "acme", "--name", "revoked")
    assert echo(stack, token).status_code == 200

    stack.sql("UPDATE orgs_apitoken SET revoked_at = now() WHERE name = 'revoked'")

    eventually(lambda: echo(stack, token).status_code == 401, "the refusal", 5)
    refused(echo(stack, token), 401, "Unauthenticated")


def test_a_token_may_do_no_more_than_it_was_given(stack: Stack) -> None:
    token = new_token(stack, "acme", "--permission", "canViewExecutions")

    refused(echo(stack, token), 403, "PermissionError")
    assert stack.call("GET", "/api/executions", token).status_code == 200


@pytest.fixture
def suspended(stack: Stack) -> Iterator[str]:
    """The token of an organization that a run is under way in when it is suspended."""
    stack.sql("UPDATE orgs_organization SET status = 'active' WHERE org_id = 'test-org-active'")
    yield stack.token("test-org-active")
    stack.sql("UPDATE orgs_organization SET status = 'active' WHERE org_id = 'test-org-active'")
    eventually(lambda: stack.run("echo", "test-org-active").status_code == 200, "the organization's return", 5)


def test_a_suspended_organization_is_closed_but_its_runs_end(stack: Stack, suspended: str, gate: Gate) -> None:
    under_way = stack.begin("wait_at_gate", "test-org-active", gate=str(gate))
    gate.reached()
    stack.sql("UPDATE orgs_organization SET status = 'suspended' WHERE org_id = 'test-org-active'")

    # A run is refused at once, whatever this process remembers; the other doors follow within seconds.
    refused(echo(stack, suspended), 403, "PermissionError")
    eventually(lambda: stack.call("GET", "/api/executions", suspended).status_code == 403, "the refusal", 5)
    refused(stack.call("GET", "/api/executions", suspended), 403, "PermissionError")
    assert stack.run("echo", "acme").status_code == 200
    gate.open()
    wait([under_way])

    assert under_way.result().json()["result"] == "passed"
