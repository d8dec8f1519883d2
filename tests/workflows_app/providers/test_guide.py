"""The guide's data providers and the workflow that uses them, to the letter, on an organization of the strict Graph."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from integrations import access_tokens, breakers, secrets
from integrations.configs import set_config
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from tests.factories import change, make_token
from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.routes import TENANT
from tests.integrations.msgraph.server import CLIENT_ID, CLIENT_SECRET, Graph, graph_served
from tests.workflows_app.engine.conftest import Workspace, engine_stops, workspace  # noqa: F401
from tests.workflows_app.providers.conftest import Add, values
from workflows_app import catalog
from workflows_app.errors import ProviderFailed
from workflows_app.providers.asking import options_of

SAMPLES = Path(__file__).parents[1] / "catalog" / "samples"


@pytest.fixture
def graph(settings: Any) -> Iterator[Graph]:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    access_tokens.forget()
    breakers.forget()
    with graph_served() as served:
        yield served
    access_tokens.forget()
    breakers.forget()


@pytest.fixture
def samples(engine_stops: None, add: Add, workspace: Workspace) -> None:  # noqa: F811
    workflow = "from bifrost import *\n" + (SAMPLES / "assign_license.txt").read_text()
    for folder, text in (
        ("data_providers", (SAMPLES / "organization_data.txt").read_text()),
        ("workflows", workflow),
    ):
        (workspace.directory / folder).mkdir()
        (workspace.directory / folder / "samples.py").write_text(text)
    assert catalog.refresh().problems == ()


@pytest.fixture
def connected(graph: Graph, acme: OrganizationRecord) -> OrganizationRecord:
    secrets.prepare_organization(acme)
    for key, value in (
        ("msgraph_client_id", CLIENT_ID),
        ("msgraph_url", f"{graph.url}/v1.0"),
        ("msgraph_login_url", graph.url),
    ):
        set_config(acme, key, value)
    write_secret(acme, "msgraph_client_secret", CLIENT_SECRET)
    return change(acme, tenant_id=TENANT)


def test_its_departments_come_from_the_config_and_follow_it(samples: None, acme: OrganizationRecord) -> None:
    assert values(options_of(acme, "get_departments")) == ["it", "hr", "finance", "sales", "marketing"]
    set_config(acme, "departments", "Field Service, HR")
    assert values(options_of(acme, "get_departments")) == ["field_service", "hr"]


def test_its_licenses_and_users_come_from_graph(samples: None, graph: Graph, connected: OrganizationRecord) -> None:
    ann = graph.directory.add_user("Ann")
    graph.directory.add_user("Bob", accountEnabled=False)
    assert values(options_of(connected, "get_m365_licenses")) == [E3]
    [option] = options_of(connected, "get_users").options
    assert (option.value, option.label) == (ann["id"], f"{ann['displayName']} ({ann['userPrincipalName']})")
    assert option.metadata["email"] == ann["userPrincipalName"]


def test_an_organization_that_is_not_connected_gets_an_error_and_no_empty_list(
    samples: None, acme: OrganizationRecord
) -> None:
    with pytest.raises(ProviderFailed) as failed:
        options_of(acme, "get_users")
    assert failed.value.reason.startswith('It logged: Failed to get users {"error":"Microsoft Graph is not connected')


def test_its_workflow_takes_only_what_they_offer(samples: None, graph: Graph, connected: OrganizationRecord) -> None:
    ann = graph.directory.add_user("Ann", usageLocation="NO")

    def start(**changed: str) -> Any:
        body = {"user": ann["id"], "license": E3, "department": "it", **changed}
        headers = {"Authorization": f"Bearer {make_token(connected)}"}
        return Client().post("/api/workflows/assign_license", json.dumps(body), "application/json", headers=headers)

    assert start().json()["result"]["license"] == E3
    refused = start(license="E5", department="IT")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["details"]["errors"]] == ["license", "department"]
