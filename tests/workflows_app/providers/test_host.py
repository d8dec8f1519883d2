"""What the context of a data provider can do: all that reads, for its organization; nothing that only a run has."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from integrations import breakers, secrets
from integrations.configs import set_config
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from tests.integrations.outside import outside_database
from tests.integrations.vendor import Asked, Reply, Vendor, served
from tests.workflows_app.providers.conftest import Add, values
from workflows_app.errors import ProviderFailed
from workflows_app.providers.asking import options_of


class Crm(Vendor):
    def reply(self, asked: Asked) -> Reply:
        return Reply(json={"items": [{"id": 7, "name": "Ann"}]})


@pytest.fixture
def crm(settings: Any) -> Iterator[Crm]:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    breakers.forget()
    with served(vendor := Crm()):
        yield vendor
    breakers.forget()


@pytest.fixture
def vault(acme: OrganizationRecord, globex: OrganizationRecord) -> Iterator[None]:
    for organization in (acme, globex):
        secrets.prepare_organization(organization)
    yield
    secrets.reset()


@pytest.mark.parametrize("head", ["async def about(context)", "def about(context)"])
def test_it_knows_its_organization_and_nobody_who_asks(add: Add, acme: OrganizationRecord, head: str) -> None:
    add(
        f"""
        @data_provider()
        {head}:
            facts = [context.org_id, context.org_name, context.tenant_id, context.workflow_name, context.execution_id]
            facts += [context.executed_by, context.caller.name, context.attempt, context.dry_run]
            return [{{"label": str(fact), "value": fact}} for fact in facts if fact is not None]
        """
    )
    assert values(options_of(acme, "about")) == [
        *("acme", "Acme", "acme.onmicrosoft.com", "about", ""),
        *("system", "Data provider", 1, False),
    ]


@pytest.mark.parametrize("way", ["async", "plain"])
def test_it_reads_configs_and_secrets_of_its_organization(
    add: Add, vault: None, acme: OrganizationRecord, globex: OrganizationRecord, way: str
) -> None:
    waits = "await " if way == "async" else ""
    add(
        f"""
        @data_provider()
        {"async " if way == "async" else ""}def known(context):
            secret = {waits}context.get_secret("crm_key")
            found = [context.get_config("region", "none"), context.get_config("by_reference"), len(secret)]
            return [{{"label": str(each), "value": each}} for each in found]
        """
    )
    set_config(acme, "region", "eu")
    set_config(acme, "by_reference", "crm_key", "secret")
    write_secret(acme, "crm_key", "value-of-acme")
    set_config(globex, "by_reference", "crm_key", "secret")
    write_secret(globex, "crm_key", "another-value-of-globex")
    assert values(options_of(acme, "known")) == ["eu", "value-of-acme", 13]
    assert values(options_of(globex, "known")) == ["none", "another-value-of-globex", 23]


@pytest.mark.parametrize("way", ["async", "plain"])
def test_it_asks_services_as_a_workflow_does(add: Add, crm: Crm, acme: OrganizationRecord, way: str) -> None:
    waits = "await " if way == "async" else ""
    add(
        f"""
        @data_provider()
        {"async " if way == "async" else ""}def people(context, url):
            client = context.http("crm", base_url=url)
            # By POST as well: services that search so are read from.
            found = [({waits}client.get("/people")).json(), ({waits}client.post("/search", json={{}})).json()]
            return [{{"label": item["name"], "value": item["id"]}} for each in found for item in each["items"]]
        """
    )
    assert values(options_of(acme, "people", {"url": crm.url})) == [7, 7]
    assert [(asked.method, asked.path) for asked in crm.asked] == [("GET", "/people"), ("POST", "/search")]


def test_it_uses_the_workspace_s_integrations(add: Add, acme: OrganizationRecord) -> None:
    add(
        """
        class Crm(BaseIntegration):
            integration_name = "crm"

            async def people(self):
                return [self.get_config("first", "Ann")]

        @data_provider()
        async def people(context):
            return [{"label": name, "value": name} for name in await context.get_integration("CRM").people()]
        """
    )
    assert values(options_of(acme, "people")) == ["Ann"]


def test_it_is_spared_as_workflows_are(add: Add, acme: OrganizationRecord) -> None:
    add(
        """
        @data_provider(cache_ttl_seconds=0)
        async def spared(context):
            await context.rate_limit("crm", 1, per=60, wait=False)
            async with context.circuit_breaker("crm"):
                await context.sleep(0.001)
            return [{"label": "x", "value": context.random() < 1}]
        """
    )
    assert values(options_of(acme, "spared")) == [True]
    with pytest.raises(ProviderFailed) as failed:
        options_of(acme, "spared")
    assert failed.value.reason.startswith('RateLimited: There is no permit under "crm"')


def test_it_reads_an_outside_database(add: Add, vault: None, acme: OrganizationRecord, settings: Any) -> None:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    add(
        """
        @data_provider()
        async def orders(context):
            [found] = await context.database("orders_dsn").transaction(["SELECT id, item FROM orders ORDER BY id"])
            return [{"label": row["item"], "value": row["id"]} for row in found["rows"]]
        """
    )
    with outside_database() as outside:
        outside.query("INSERT INTO orders VALUES (1, 'desk'), (2, 'chair')")
        write_secret(acme, "orders_dsn", outside.address)
        assert values(options_of(acme, "orders")) == [1, 2]


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ('await context.wait_for_signal("go")', "a wait for a signal"),
        ('await context.wait_for_approval("May I?")', "an approval"),
        ('await context.step("one", lambda: 1)', 'the step "one"'),
        ('await context.execute_workflow("other")', "another workflow"),
        ('await context.notify("Hello", "there", to="a@acme.example")', "notify"),
        ('await context.audit("read", "all")', "audit"),
        ('context.save_checkpoint("here")', "a checkpoint"),
        ("await context.continue_as_new(a=1)", "continue_as_new"),
    ],
)
def test_what_only_a_run_has_says_so(add: Add, acme: OrganizationRecord, call: str, what: str) -> None:
    add(f"        @data_provider()\n        async def reaching(context):\n            {call}\n            return []")
    with pytest.raises(ProviderFailed) as failed:
        options_of(acme, "reaching")
    assert failed.value.reason == (
        f"ConfigurationError: A data provider has no execution: {what} is for workflows alone."
    )


def test_it_may_not_use_the_platform_s_database(add: Add, acme: OrganizationRecord) -> None:
    add(
        """
        @data_provider()
        def prying(context):
            from orgs.models import Organization
            return [{"label": each.name, "value": each.name} for each in Organization.objects.all()]
        """
    )
    with pytest.raises(ProviderFailed) as failed:
        options_of(acme, "prying")
    assert failed.value.reason.startswith("OutsideOrganization")


def test_a_secret_that_it_read_is_in_no_reason_and_no_log(
    add: Add, vault: None, acme: OrganizationRecord, caplog: pytest.LogCaptureFixture
) -> None:
    write_secret(acme, "crm_key", "hush-hush-value")
    add(
        """
        import logging

        @data_provider()
        async def leaking(context):
            secret = await context.get_secret("crm_key")
            logging.getLogger("crm").warning("using %s", secret)
            context.log("error", f"refused {secret}", {"password": "pass-word"})
            raise RuntimeError(f"The key {secret} was refused")
        """
    )
    with pytest.raises(ProviderFailed) as failed:
        options_of(acme, "leaking")
    assert failed.value.reason == "RuntimeError: The key REDACTED was refused"
    assert "using REDACTED" in caplog.text and "hush-hush-value" not in caplog.text


def test_a_plain_wrapper_and_a_date_among_the_inputs(add: Add, acme: OrganizationRecord) -> None:
    add(
        """
        from datetime import date

        async def later(day):
            return [{"label": day.strftime("%A"), "value": day.day}]

        @data_provider()
        def days(context, day: date):
            return later(day)
        """
    )
    [option] = options_of(acme, "days", {"day": "2026-11-26"}).options
    assert (option.label, option.value) == ("Thursday", 26)
