"""Connections for tests, made and connected as people do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

from integrations.fleet.models import FleetConnection
from integrations.oauth import connections, refreshing, signing_in
from integrations.oauth.models import Connection, SharedToken
from orgs.permissions import EVERYTHING
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.integrations.authorization_server import CALLBACK, AuthorizationServer

ADA = Actor(
    "user", "11111111-1111-7111-8111-111111111111", "ada@msp.example", "Ada", frozenset({EVERYTHING}), staff=True
)
SESSION = "session-of-ada"


def values_for(server: AuthorizationServer, name: str = "HaloPSA", **changed: Any) -> dict[str, Any]:
    return {
        "name": name,
        "provider": "generic",
        "grant": "authorization_code",
        "client_id": server.client_id,
        "client_authentication": "client_secret_basic",
        "authorize_url": f"{server.url}/authorize",
        "token_url": f"{server.url}/token",
        "scopes": "read write offline_access",
        "extra": {},
        "shared": False,
        **changed,
    }


def microsoft(server: AuthorizationServer, **changed: Any) -> dict[str, Any]:
    """The MSP's partner account, by which customers' tenants are reached."""
    server.rotates = False
    return values_for(
        server,
        "Microsoft",
        **{
            "provider": "microsoft",
            "client_authentication": "client_secret_post",
            "authorize_url": f"{server.url}/{{tenant}}/oauth2/v2.0/authorize",
            "token_url": f"{server.url}/{{tenant}}/oauth2/v2.0/token",
            "shared": True,
            **changed,
        },
    )


def make(organization: OrganizationRecord, values: dict[str, Any], server: AuthorizationServer) -> UUID:
    return connections.create(organization, values, server.secret, ADA)


def connect(organization: OrganizationRecord, connection: UUID) -> None:
    """Through the provider's page and back."""
    state, code = go(organization, connection)
    assert signing_in.finish(organization, state, code, ADA, SESSION) == connection


def go(organization: OrganizationRecord, connection: UUID) -> tuple[str, str]:
    """To the provider's page and back to the callback: the state and the code that come there."""
    answer = httpx.get(signing_in.begin(organization, connection, ADA, SESSION, CALLBACK))
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    query = parse_qs(back.query)
    assert back._replace(query="").geturl() == CALLBACK
    return query["state"][0], query["code"][0]


def connected(
    organization: OrganizationRecord, server: AuthorizationServer, name: str = "HaloPSA", **changed: Any
) -> UUID:
    id_ = make(organization, values_for(server, name, **changed), server)
    if changed.get("grant") == "client_credentials":
        connections.connect_client(organization, id_, ADA)
    else:
        connect(organization, id_)
    return id_


def row(organization: OrganizationRecord, connection: UUID) -> Connection:
    with org_context(organization):
        return Connection.objects.get(id=connection)


def thin_row(connection: UUID) -> FleetConnection:
    with shared_context():
        return FleetConnection.objects.get(connection=connection)


def time_passes(organization: OrganizationRecord, connection: UUID, seconds: float) -> None:
    """As the rows see it: all their times lie further back. What this process keeps is forgotten."""
    with org_context(organization):
        for rows in (Connection.objects.filter(id=connection), SharedToken.objects.filter(connection=connection)):
            for each in rows:
                for name in ("expires_at", "refresh_at", "refreshing_until", "retry_at", "last_refreshed_at"):
                    if (moment := getattr(each, name)) is not None:
                        setattr(each, name, moment - timedelta(seconds=seconds))
                each.save()
    with shared_context():
        for thin in FleetConnection.objects.filter(connection=connection, organization=organization.id):
            for name in ("expires_at", "last_refreshed_at", "tried_at"):
                if (moment := getattr(thin, name)) is not None:
                    setattr(thin, name, moment - timedelta(seconds=seconds))
            thin.save()
    refreshing.forget()
