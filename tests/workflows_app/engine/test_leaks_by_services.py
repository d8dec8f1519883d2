"""A secret that goes to an outside service, and comes back from it, turns up nowhere else."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection

from integrations import secrets
from orgs.records import OrganizationRecord
from tests.integrations.vendor import Asked, Reply, Vendor, served
from tests.workflows_app.engine.conftest import Run, Workspace
from tests.workflows_app.engine.test_secrets_in_records import CANARY, shapes
from workflows_app import queries
from workflows_app.alerts.sending import send_due


class Echo(Vendor):
    """Says back what it was told, as some services do, in an error or not."""

    def reply(self, asked: Asked) -> Reply:
        said = {"authorization": asked.headers.get("authorization"), "query": asked.query, "body": asked.body.decode()}
        if asked.path == "/error":
            return Reply(400, {"error": {"code": asked.headers.get("authorization"), "message": json.dumps(said)}})
        return Reply(200, said)


@pytest.fixture
def echo(settings: Any) -> Iterator[Echo]:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    vendor = Echo()
    with served(vendor):
        yield vendor


@pytest.fixture
def secret(acme: OrganizationRecord) -> Iterator[str]:
    secrets.write_secret(acme, "my_api_key", CANARY)
    yield CANARY
    secrets.delete_secret(acme, "my_api_key")


LEAKS = """
    class Echoing(BaseIntegration):
        integration_name = "echoing"

        async def authenticate(self):
            return await self.get_secret("my_api_key")

        async def ask(self, method, path, key):
            return (await self.http_client.request(
                method, self.context.get_variable("url") + path, params={"key": key}, json={"note": key}
            )).json()

    @workflow
    async def leaks(context, url):
        key = await context.get_secret("my_api_key")
        context.set_variable("url", url)
        echoing = context.get_integration("echoing")
        told = [await echoing.ask("GET", "/fine", key), await echoing.ask("POST", "/fine", key)]
        await context.notify("About " + key, "It said " + str(told), to="ann@acme.example")
        await context.audit("service.asked", key, {"told": told})
        context.progress(1, 2, "asked with " + key)
        for path in (f"/{key}", "/error"):
            try:
                await echoing.ask("POST", path, key)
            except IntegrationError as error:
                context.log("error", str(error), error.details)
                last = error
        raise last
"""


def all_stored(organization: OrganizationRecord) -> dict[str, str]:
    """Every row of every table, the organization's and the shared ones, as text."""
    parts = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', %s)",
            [organization.schema_name],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM {table} t")
            parts[table] = cursor.fetchone()[0]
    return parts


def test_no_form_of_it_is_stored_shown_logged_or_sent(
    run: Run,
    workspace: Workspace,
    acme: OrganizationRecord,
    secret: str,
    echo: Echo,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    workspace.add(LEAKS)

    outcome = run("leaks", url=echo.url)
    send_due()

    assert any(CANARY in asked.headers["authorization"] for asked in echo.asked), "it did go to the service"
    record = json.dumps(queries.get_execution(acme, UUID(outcome.execution_id), exact=False))
    letters = "".join(f"{letter.subject}{letter.body}" for letter in mail.outbox)
    places = {
        "answer": json.dumps([outcome.result, outcome.error]),
        "record": record,
        **all_stored(acme),
        "log": caplog.text,
        "e-mail": letters,
    }
    for place, text in places.items():
        for shape in [*shapes(secret), json.dumps(json.dumps(secret))[3:-3]]:
            assert shape not in text, place
    assert "REDACTED" in places["record"]
    assert "REDACTED" in places[f"{acme.schema_name}.workflows_app_executionevent"]


def test_the_search_finds_what_is_no_secret(
    run: Run, workspace: Workspace, acme: OrganizationRecord, echo: Echo
) -> None:
    workspace.add(
        """
        @workflow
        async def open(context, url):
            await context.http("echo", base_url=url).post("/fine", json={"note": "seen-by-everybody"})
        """
    )

    run("open", url=echo.url)

    assert "seen-by-everybody" in all_stored(acme)[f"{acme.schema_name}.workflows_app_executionevent"]
