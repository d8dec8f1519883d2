"""Whose things are found: each kind, by each door, as an organization's own, another's, the MSP's for all, or nobody's.

The doors are the API, the organization's pages, a workflow's context, the command that runs one, a webhook, and the
options of a data provider, which are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.test import Client

from integrations import configs, secrets
from integrations.configs import set_config
from integrations.oauth import connections
from integrations.secret_defaults import write_default
from integrations.secret_places import MSP_DEFAULTS
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from tests.factories import PASSWORD, make_token, make_user
from tests.workflows_app.engine.conftest import ADA, Workspace, engine_stops, workspace  # noqa: F401
from tests.workflows_app.engine.working import Worker
from workflows_app import following
from workflows_app.engine import process
from workflows_app.executions import Start, submit

NAME = "weather_account"
WHOSE = ("own", "another's", "the MSP's", "nobody's")
LOOKING = """
    @workflow
    async def look(context, kind, name):
        return await found(context, kind, name)

    @workflow(execution_mode="async", webhook_enabled=True, webhook_secret_required=False)
    async def look_when_called(context, kind, name):
        return await found(context, kind, name)

    async def found(context, kind, name):
        try:
            if kind == "config":
                return context.get_config(name)
            if kind == "secret":
                return len(await context.get_secret(name))
            await context.get_oauth_connection(name)
        except ConfigurationError:
            return None
        except IntegrationError as error:
            return error.message  # there is one, and nobody has connected it

    @data_provider(name="looked")
    async def looked(context, kind, name):
        found = await look(context, kind, name)
        return [] if found is None else [{"label": "found", "value": found}]
"""


@dataclass
class People:
    acme: OrganizationRecord
    globex: OrganizationRecord
    msp: OrganizationRecord

    def holder(self, whose: str) -> OrganizationRecord | None:
        return {"own": self.acme, "another's": self.globex, "the MSP's": self.msp}.get(whose)


@pytest.fixture
def people(
    engine_stops: None,  # noqa: F811
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    msp: OrganizationRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[People]:
    monkeypatch.setattr(configs, "_layers", configs._Layers())
    for organization in (acme, globex, msp):
        secrets.prepare_organization(organization)
    yield People(acme, globex, msp)
    secrets.reset()


def plant(people: People, kind: str, whose: str) -> None:
    holder = people.holder(whose)
    if holder is None:
        return
    if kind == "config":
        set_config(holder, NAME, "mild")
    elif kind == "secret" and holder.is_msp:
        write_default(MSP_DEFAULTS, NAME, "mild-weather")
    elif kind == "secret":
        write_secret(holder, NAME, "mild-weather")
    else:
        facts = {"name": NAME, "provider": "generic", "client_id": "c", "client_authentication": "none"}
        addresses = {"authorize_url": "https://a.example", "token_url": "https://a.example/t"}
        connections.create(holder, {**facts, **addresses, "shared": holder.is_msp})


# --- the doors: each says whether it is found for acme ----------------------------------------------------------------


def by_api(people: People, kind: str) -> bool:
    answer = Client().get(f"/api/{kind}s", headers={"Authorization": f"Bearer {make_token(people.acme)}"})
    assert answer.status_code == 200
    return NAME in [each.get("key") or each.get("name") for each in answer.json()["results"]]


def by_page(people: People, kind: str) -> bool:
    pages = {
        "config": "integrations/config/values/",
        "secret": "secrets/",
        "connection": "integrations/connection/",
    }
    client = Client()
    assert client.login(username=make_user(people.msp, all_organizations=True).email, password=PASSWORD)
    answer = client.get(f"/o/acme/admin/{pages[kind]}")
    assert answer.status_code == 200
    return NAME in answer.content.decode()


def by_workflow(people: People, kind: str) -> bool:
    outcome = submit(Start(people.acme, "look", {"kind": kind, "name": NAME}, ADA))
    assert outcome.status == "Success"
    return outcome.result is not None


def by_command(people: People, kind: str) -> bool:
    said = StringIO()
    call_command(
        "run_workflow",
        "look",
        "--org",
        "acme",
        "-p",
        f"kind={kind}",
        "-p",
        f"name={NAME}",
        stdout=said,
        stderr=StringIO(),
    )
    return json.loads(said.getvalue()) is not None


def by_webhook(people: People, kind: str) -> bool:
    body = json.dumps({"kind": kind, "name": NAME})
    answer = Client().post("/webhooks/acme/look_when_called", body, content_type="application/json")
    assert answer.status_code == 202
    worker = Worker(people.acme)
    worker.start()
    worker.wake()
    outcome = following.wait_for_end(people.acme, UUID(answer.json()["executionId"]), 30)
    process.configure("web")
    assert outcome.status == "Success"
    return outcome.result is not None


def by_data_provider(people: People, kind: str) -> bool:
    """After another organization has asked the same."""
    answers = [
        Client().get(
            "/api/data-providers/looked",
            {"kind": kind, "name": NAME},
            headers={"Authorization": f"Bearer {make_token(organization)}"},
        )
        for organization in (people.globex, people.acme)
    ]
    assert [(answer.status_code, answer.json()["cached"]) for answer in answers] == [(200, False)] * 2
    return answers[-1].json()["options"] != []


DOORS: dict[str, Callable[[People, str], Any]] = {
    "api": by_api,
    "page": by_page,
    "workflow": by_workflow,
    "command": by_command,
    "webhook": by_webhook,
    "data provider": by_data_provider,
}


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["config", "secret", "connection"])
def test_only_one_s_own_and_what_the_msp_gives_is_found(
    people: People,
    workspace: Workspace,  # noqa: F811
    kind: str,
    door: str,
    whose: str,
) -> None:
    workspace.add(LOOKING)
    plant(people, kind, whose)

    found = DOORS[door](people, kind)

    # What the MSP shares is used here and looked after there: an organization's list of connections holds its own.
    expected = whose == "own" or (whose == "the MSP's" and (kind, door) != ("connection", "page"))
    assert found is expected
