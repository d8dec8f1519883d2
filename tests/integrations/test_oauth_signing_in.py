"""The way through a provider's page and back: what comes back is taken once, from the one who was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.db.models import F

from bifrost.sdk.errors import ValidationError
from integrations.fleet.models import SignIn
from integrations.oauth import asking, connections, finding, refreshing, signing_in
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.audit_log import log
from tests.integrations.authorization_server import CALLBACK, AuthorizationServer, authorization_server
from tests.integrations.connecting import (
    ADA,
    SESSION,
    connect,
    connected,
    go,
    make,
    microsoft,
    row,
    thin_row,
    values_for,
)
from tests.integrations.vendor import Fault, Reply


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    with authorization_server(settings) as running:
        yield running


def test_a_person_connects_and_workflows_have_a_token(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = make(acme, values_for(server), server)
    assert row(acme, id_).status == "new"

    connect(acme, id_)

    found = row(acme, id_)
    assert (found.status, found.connected_by, found.refreshable) == ("connected", "ada@msp.example", True)
    credentials = refreshing.credentials_now(acme, "halopsa")
    assert credentials.access_token in server.valid
    assert credentials.get_auth_header() == f"Bearer {credentials.access_token}"
    assert (credentials.connection_name, credentials.scopes) == ("HaloPSA", ("read", "write"))
    assert not credentials.is_expired() and credentials.is_expired(within=timedelta(hours=2))
    assert thin_row(id_).status == "connected"


def test_the_provider_is_asked_with_pkce_and_a_state(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = make(acme, values_for(server, extra={"audience": "https://api.example.com"}), server)
    query = parse_qs(urlsplit(signing_in.begin(acme, id_, ADA, SESSION, CALLBACK)).query)
    assert query["code_challenge_method"] == ["S256"] and len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"] == [CALLBACK] and len(query["state"][0]) > 40
    assert query["audience"] == ["https://api.example.com"]
    assert "code_verifier" not in query


def test_an_application_signs_in_by_itself(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server, grant="client_credentials", scopes="all offline_access")
    assert server.token_requests == [{"grant_type": "client_credentials", "scope": "all"}]
    assert row(acme, id_).refreshable
    assert refreshing.credentials_now(acme, "HaloPSA").access_token in server.valid


def test_a_state_is_good_once(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = make(acme, values_for(server), server)
    state, code = go(acme, id_)
    signing_in.finish(acme, state, code, ADA, SESSION)
    with pytest.raises(ValidationError, match="Begin again"):
        signing_in.finish(acme, state, code, ADA, SESSION)
    assert len(server.token_requests) == 1


def test_a_state_is_good_for_ten_minutes(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = make(acme, values_for(server), server)
    state, code = go(acme, id_)
    with shared_context():
        SignIn.objects.update(started_at=F("started_at") - timedelta(minutes=11))
    with pytest.raises(ValidationError, match="longer than ten minutes"):
        signing_in.finish(acme, state, code, ADA, SESSION)
    assert server.token_requests == []


def test_a_state_is_good_for_the_session_and_the_person_that_were_sent(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = make(acme, values_for(server), server)
    state, code = go(acme, id_)
    for actor, session in ((ADA, "another session"), (replace(ADA, id="another person"), SESSION)):
        with pytest.raises(ValidationError, match="not known"):
            signing_in.finish(acme, state, code, actor, session)
    assert signing_in.finish(acme, state, code, ADA, SESSION) == id_


def test_a_state_is_good_for_its_organization_alone(
    acme: OrganizationRecord, globex: OrganizationRecord, server: AuthorizationServer
) -> None:
    state, code = go(acme, make(acme, values_for(server), server))
    theirs = make(globex, values_for(server), server)
    with pytest.raises(ValidationError, match="not known"):
        signing_in.finish(globex, state, code, ADA, SESSION)
    assert row(globex, theirs).status == "new" and server.token_requests == []


def test_a_code_of_somebody_else_is_worth_nothing(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    """Whoever slips another's code into the own way back: the verifier does not fit."""
    id_ = make(acme, values_for(server), server)
    _, stolen = go(acme, id_)
    state, _ = go(acme, id_)
    with pytest.raises(ValidationError, match="verifier"):
        signing_in.finish(acme, state, stolen, ADA, SESSION)
    assert row(acme, id_).status == "new"


def test_a_redirect_address_that_is_not_registered_comes_to_nothing(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = make(acme, values_for(server), server)
    page = signing_in.begin(acme, id_, ADA, SESSION, "http://testserver/elsewhere")
    assert httpx.get(page).status_code == 400


@pytest.mark.parametrize("way", ["client_secret_post", "client_secret_basic"])
def test_the_client_proves_itself_as_the_provider_wants_it(
    acme: OrganizationRecord, server: AuthorizationServer, way: str
) -> None:
    server.secret = "odd secret: with % and &=+ in it"
    connected(acme, server, client_authentication=way)
    sent = server.token_requests[0]
    assert ("client_secret" in sent) == (way == "client_secret_post")


def test_a_wrong_client_secret_is_told_in_the_provider_s_words_and_without_the_secret(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connections.create(acme, values_for(server), "wrong-secret-of-ours", ADA)
    state, code = go(acme, id_)
    with pytest.raises(ValidationError, match=r"invalid_client: the client did not prove itself") as raised:
        signing_in.finish(acme, state, code, ADA, SESSION)
    assert "wrong-secret-of-ours" not in str(raised.value)


def test_what_a_provider_says_of_a_code_does_not_show_the_code(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    state, code = go(acme, make(acme, values_for(server), server))
    server.codes[code].used = True
    with pytest.raises(ValidationError, match="the code REDACTED is not good"):
        signing_in.finish(acme, state, code, ADA, SESSION)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (Fault(Reply(503, {"error": "down"})), "answered 503"),
        (Fault(Reply(200, text="<html>hello")), "not with JSON"),
        (Fault(Reply(200, ["access_token"])), "not with JSON"),
        (Fault(Reply(302, None, {"location": "http://169.254.169.254/"})), "302"),
        (Fault(Reply(200, {"access_token": "two\r\nlines: x"})), "no token"),
        (Fault(Reply(200, {"access_token": "a", "token_type": "mac"})), "another kind"),
        (Fault(cut=3), "cannot be reached"),
        (Fault(drip=0.3), "in time"),
    ],
)
def test_an_answer_that_is_no_token_is_explained(
    acme: OrganizationRecord,
    server: AuthorizationServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    complaint: str,
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 1.0)
    state, code = go(acme, make(acme, values_for(server), server))
    server.faults.append(fault)
    with pytest.raises(ValidationError, match=complaint):
        signing_in.finish(acme, state, code, ADA, SESSION)


def test_a_token_address_in_a_private_network_is_not_called(
    acme: OrganizationRecord, server: AuthorizationServer, settings: Any
) -> None:
    id_ = make(acme, values_for(server), server)
    state, code = go(acme, id_)
    settings.PRIVATE_NETWORKS = []
    with pytest.raises(ValidationError, match="not a public one"):
        signing_in.finish(acme, state, code, ADA, SESSION)
    assert server.token_requests == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"token_url": "http://auth.example.com/token"}, "token_url"),
        ({"token_url": "https://user:password@auth.example.com/token"}, "token_url"),
        ({"authorize_url": "javascript:alert(1)"}, "authorize_url"),
        ({"name": "a/b"}, "name"),
        ({"client_id": " "}, "client_id"),
        ({"shared": True}, "shared"),
        ({"name": "halopsa"}, "name"),
    ],
)
def test_what_cannot_be_a_connection_is_refused(
    acme: OrganizationRecord, server: AuthorizationServer, changed: dict[str, Any], field: str
) -> None:
    make(acme, values_for(server), server)
    with pytest.raises(ValidationError) as raised:
        make(acme, values_for(server, **{"name": "Another", **changed}), server)
    assert raised.value.field == field
    assert [target.settings.name for target in finding.usable(acme)] == ["HaloPSA"]


def test_a_client_secret_is_not_sent_to_another_address(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    """Whoever may change an address must not learn by that what they may not see."""
    id_ = connected(acme, server)
    elsewhere = values_for(server, token_url="https://attacker.example.com/token")
    with pytest.raises(ValidationError, match="client secret again"):
        connections.change(acme, id_, elsewhere, actor=ADA)
    assert row(acme, id_).token_url == f"{server.url}/token"

    connections.change(acme, id_, elsewhere, "another-secret", ADA)

    assert row(acme, id_).status == "new"
    with pytest.raises(Exception, match="not connected"):
        refreshing.credentials_now(acme, "HaloPSA")


def test_a_client_without_a_secret_proves_itself_by_pkce_alone(
    acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    server.secret = ""
    id_ = connected(acme, server, client_authentication="none")
    first = refreshing.credentials_now(acme, "HaloPSA").access_token
    values = values_for(server, "Halo", client_authentication="none")
    connections.change(acme, id_, values, actor=ADA)
    assert refreshing.credentials_now(acme, "Halo").access_token == first
    assert connections.test(acme, id_) == "The provider gave a new token."


def test_another_name_leaves_the_account_as_it_is(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    connections.change(acme, id_, values_for(server, "Halo of Acme"), actor=ADA)
    assert refreshing.credentials_now(acme, "halo of acme").access_token in server.valid
    assert thin_row(id_).name == "Halo of Acme"


def test_each_change_is_in_the_audit_log(acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    connections.change(acme, id_, values_for(server, "Halo"), actor=ADA)
    connections.disconnect(acme, id_, ADA)
    connections.delete(acme, id_, ADA)
    assert log() == [
        (f"connection.{done}", f"connection:{id_}", "Ada")
        for done in ("create", "connect", "change", "disconnect", "delete")
    ]


def test_a_tenant_s_name_cannot_lead_elsewhere(msp: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = make(msp, microsoft(server, extra={"tenant": "../../evil"}), server)
    with pytest.raises(Exception, match="needs its Microsoft tenant"):
        signing_in.begin(msp, id_, ADA, SESSION, CALLBACK)
