"""Whose tokens are whose: the vault refuses another's, and a customer gets no more than an access token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection as database

from bifrost import ConfigurationError, IntegrationError
from integrations import secrets
from integrations.errors import VaultRefused
from integrations.fleet.models import ConnectionUse, FleetConnection
from integrations.oauth import finding, fleet, kept_tokens, refreshing
from integrations.secret_places import connections_place
from orgs import provisioning
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.authorization_server import AuthorizationServer, authorization_server
from tests.integrations.conftest import Ask
from tests.integrations.connecting import ADA, connect, connected, make, microsoft, row, time_passes, values_for
from tests.integrations.test_vault_isolation import token_of


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    with authorization_server(settings) as running:
        yield running


@pytest.fixture
def contoso(msp: OrganizationRecord, globex: OrganizationRecord) -> OrganizationRecord:
    """Globex with a Microsoft tenant."""
    return replace(globex, tenant_id="contoso.example")


def gdap(msp: OrganizationRecord, server: AuthorizationServer) -> Any:
    """The MSP's own sign-in at Microsoft, shared with its customers."""
    id_ = make(msp, microsoft(server), server)
    connect(msp, id_)
    return id_


def token(organization: OrganizationRecord, name: str) -> str:
    return refreshing.credentials_now(organization, name).access_token


def test_the_vault_refuses_another_organization_s_tokens(
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    msp: OrganizationRecord,
    server: AuthorizationServer,
    vault: Ask,
) -> None:
    ours = connected(acme, server)
    msps = connected(msp, server, shared=True)
    for name in ("tokens", "client"):
        own = f"bifrost/data/connections/acme/{ours}.{name}"
        assert vault("GET", own, token_of(acme, vault)).status_code == 200
        assert vault("GET", own, token_of(globex, vault)).status_code == 403
        assert vault("GET", own, token_of(msp, vault)).status_code == 403
        assert vault("GET", f"bifrost/data/connections/msp/{msps}.{name}", token_of(acme, vault)).status_code == 403
    assert vault("POST", f"bifrost/data/connections/acme/{ours}.tokens", token_of(acme, vault)).status_code == 403


def test_the_platform_s_own_token_writes_tokens_and_reads_none(
    acme: OrganizationRecord, server: AuthorizationServer, vault: Ask, platform_token: str
) -> None:
    path = f"bifrost/data/connections/acme/{connected(acme, server)}.tokens"
    assert vault("GET", path, platform_token).status_code == 403
    assert vault("POST", path, platform_token, json={"data": {"value": "x"}}).status_code == 200


@pytest.mark.usefixtures("as_platform")
def test_all_of_it_works_under_the_platform_s_policy(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, 3600)
    assert token(acme, "HaloPSA") in server.valid
    kept_tokens.delete(acme, id_)
    assert kept_tokens.read(acme, id_) is None


def test_no_name_of_a_secret_reaches_a_token(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    for name in (f"{id_}.tokens", f"connections/acme/{id_}.tokens", f"../../connections/acme/{id_}.tokens"):
        with pytest.raises(ConfigurationError, match="has no secret"):
            secrets.read_secret(acme, name)
    assert f"{id_}.tokens" not in secrets.list_secrets(acme)


def test_an_organization_finds_its_own_connections_and_shared_ones(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    theirs = connected(globex, server, "Theirs")
    connected(msp, server, "Private of the MSP")
    connected(msp, server, "Shared", shared=True)
    connected(msp, server, "Both", shared=True)
    own = connected(acme, server, "both")
    assert [target.settings.name for target in finding.usable(acme)] == ["both", "Shared"]
    assert finding.find(acme, "BOTH").settings.id == own
    assert finding.find_by_id(acme, theirs) is None
    for name in ("Theirs", "Private of the MSP"):
        with pytest.raises(ConfigurationError, match="no OAuth connection"):
            finding.find(acme, name)


def test_a_shared_connection_gives_customers_its_access_token(
    acme: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    before = secrets.list_at(connections_place(acme))
    id_ = connected(msp, server, shared=True)
    assert token(acme, "halopsa") == token(msp, "HaloPSA")
    time_passes(msp, id_, 3600)
    renewed = token(acme, "HaloPSA")
    assert renewed in server.valid and token(msp, "HaloPSA") == renewed
    assert server.refreshes == 1
    assert secrets.list_at(connections_place(acme)) == before


def test_a_customer_s_run_gets_a_token_of_the_customer_s_tenant(
    acme: OrganizationRecord, contoso: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = gdap(msp, server)
    ours, theirs = token(acme, "Microsoft"), token(contoso, "Microsoft")
    assert (server.valid[ours], server.valid[theirs]) == ("acme.onmicrosoft.com", "contoso.example")
    assert len({ours, theirs, token(msp, "Microsoft")}) == 3
    kept = kept_tokens.read(acme, id_)
    assert kept is not None and (kept.given.access_token, kept.given.refresh_token) == (ours, "")
    before = server.refreshes
    refreshing.forget()
    assert token(acme, "Microsoft") == ours and server.refreshes == before
    time_passes(acme, id_, 3600)
    assert token(acme, "Microsoft") != ours
    assert token(contoso, "Microsoft") == theirs


def test_an_application_reaches_a_customer_s_tenant_as_well(
    acme: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    values = microsoft(server, grant="client_credentials", extra={"tenant": "msp.example"})
    id_ = make(msp, values, server)
    from integrations.oauth import connections

    connections.connect_client(msp, id_, ADA)
    assert server.valid[token(acme, "Microsoft")] == "acme.onmicrosoft.com"
    assert server.valid[token(msp, "Microsoft")] == "msp.example"


def test_a_customer_without_a_tenant_is_told_so(
    globex: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    gdap(msp, server)
    with pytest.raises(ConfigurationError, match="globex needs its Microsoft tenant"):
        token(globex, "Microsoft")


def test_a_tenant_that_has_not_consented_breaks_no_other(
    acme: OrganizationRecord, contoso: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = gdap(msp, server)
    server.consents = {"acme.onmicrosoft.com", "organizations"}
    for _ in range(2):
        with pytest.raises(IntegrationError, match=r"contoso\.example has not consented"):
            token(contoso, "Microsoft")
    assert server.refreshes == 1
    assert row(msp, id_).status == "connected" and token(acme, "Microsoft")
    server.consents = None
    time_passes(contoso, id_, 16 * 60)
    assert server.valid[token(contoso, "Microsoft")] == "contoso.example"


def test_what_was_got_by_an_account_ends_with_it(
    acme: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    from integrations.oauth import connections

    id_ = gdap(msp, server)
    first = token(acme, "Microsoft")
    connections.disconnect(msp, id_, ADA)
    with pytest.raises(IntegrationError, match="is not connected"):
        token(acme, "Microsoft")
    connections.change(msp, id_, {}, server.secret, ADA)
    connect(msp, id_)
    assert token(acme, "Microsoft") != first


def test_a_dropped_organization_leaves_nothing(
    server: AuthorizationServer, msp: OrganizationRecord, vault: Ask
) -> None:
    former = provisioning.create_organization("former-oauth", "Former")
    id_ = connected(former, server)
    fleet.note_use(former, id_, "report")
    provisioning.drop_organization(former)
    assert secrets.list_at(connections_place(former)) == []
    assert not FleetConnection.objects.filter(connection=id_).exists()
    assert not ConnectionUse.objects.filter(connection=id_).exists()


def test_a_policy_from_before_connections_is_renewed_when_one_is_made(
    acme: OrganizationRecord, server: AuthorizationServer, vault: Ask
) -> None:
    old = '{"path": {"bifrost/data/orgs/acme/*": {"capabilities": ["read"]}}}'
    vault("POST", "sys/policies/acl/org-acme", json={"policy": old})
    with pytest.raises(VaultRefused):
        secrets.read_versioned(acme, connections_place(acme), "anything.tokens")
    connected(acme, server)
    assert token(acme, "HaloPSA")


def test_no_token_and_no_client_secret_is_in_the_database(
    acme: OrganizationRecord, msp: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    gdap(msp, server)
    token(acme, "Microsoft")
    time_passes(acme, id_, 3600)
    token(acme, "HaloPSA")
    make(acme, values_for(server, "Another"), server)
    text = "".join(_rows(acme)) + "".join(_rows(msp))
    assert str(id_) in text
    assert [secret for secret in server.secrets if secret in text] == []


def _rows(organization: OrganizationRecord) -> Iterator[str]:
    """All rows of the organization's and of the shared schema, as text."""
    with org_context(organization), database.cursor() as cursor:
        schemas = [organization.schema_name, "public"]
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)", [schemas])
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t')
            yield from (row[0] for row in cursor.fetchall())
