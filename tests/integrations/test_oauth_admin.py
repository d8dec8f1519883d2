"""The pages of an organization's connections: what people do there, what they see, and what they never see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.oauth import refreshing
from orgs.models import Domain
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.audit_log import log
from tests.factories import PASSWORD, make_user
from tests.integrations.authorization_server import CALLBACK, SECRET, AuthorizationServer, authorization_server
from tests.integrations.connecting import connected, make, microsoft, row, time_passes, values_for

LIST = "/o/acme/admin/integrations/connection/"


@pytest.fixture
def server(settings: Any) -> Iterator[AuthorizationServer]:
    refreshing.forget()
    with authorization_server(settings) as running:
        yield running


@pytest.fixture
def staff(msp: OrganizationRecord) -> Client:
    return signed_in(msp, "admin")


def signed_in(organization: OrganizationRecord, role: str, **scope: Any) -> Client:
    client = Client()
    person = make_user(organization, role, **(scope or {"all_organizations": True}))
    assert client.login(username=person.email, password=PASSWORD)
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def generic(server: AuthorizationServer, **changed: str) -> dict[str, str]:
    """What a person fills in."""
    values = values_for(server)
    names = ("name", "grant", "client_id", "client_authentication", "authorize_url", "token_url", "scopes")
    return {**{name: values[name] for name in names}, "secret": SECRET, "more": "{}", **changed}


def page_of(connection: Any, page: str = "change") -> str:
    return f"{LIST}{connection}/{page}/"


def test_a_person_chooses_a_provider_and_is_told_what_to_do_there(staff: Client) -> None:
    shown = text(staff.get(f"{LIST}add/"))
    for provider in ("Microsoft", "HaloPSA", "ConnectWise", "Another provider"):
        assert provider in shown
    form = text(staff.get(f"{LIST}add/?provider=microsoft"))
    assert CALLBACK in form and "Register an application in Entra ID" in form
    assert "offline_access https://graph.microsoft.com/.default" in form
    assert "Customers may use it" not in form
    assert "Customers may use it" in text(staff.get(f"{LIST}add/?provider=microsoft".replace("acme", "msp")))


def test_a_connection_from_adding_to_connected(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    answer = staff.post(f"{LIST}add/?provider=generic", generic(server))
    assert answer.status_code == 302, text(answer)
    page = answer.headers["Location"]
    shown = text(staff.get(page))
    assert (
        "Not connected yet" in shown and CALLBACK in shown and ">Connect<" in shown.replace("\n", "").replace(" ", "")
    )

    sent = staff.post(page.replace("change", "connect"))
    assert sent.status_code == 302 and sent.headers["Location"].startswith(f"{server.url}/authorize?")
    back = httpx.get(sent.headers["Location"]).headers["location"]
    assert back.startswith(CALLBACK)
    led = staff.get(back.removeprefix("http://testserver"))
    assert led.headers["Location"].startswith(f"{LIST}callback/?")
    done = staff.get(led.headers["Location"], follow=True)

    assert "Connected." in text(done) and "is renewed by itself" in text(done)
    assert refreshing.credentials_now(acme, "HaloPSA").access_token in server.valid
    assert [operation for operation, _, _ in log()] == ["connection.create", "connection.connect"]


def test_a_preset_fills_in_the_addresses(staff: Client, acme: OrganizationRecord) -> None:
    values = {
        "name": "Halo",
        "grant": "authorization_code",
        "client_id": "c",
        "secret": "s3cret",
        "base": "https://acme.halopsa.com/",
        "scopes": "all",
        "more": "",
    }
    page = staff.post(f"{LIST}add/?provider=halopsa", values).headers["Location"]
    found = row(acme, page.split("/")[-3])  # type: ignore[arg-type]
    assert found.authorize_url == "https://acme.halopsa.com/auth/authorize"
    assert found.token_url == "https://acme.halopsa.com/auth/token"
    assert (found.provider, found.client_authentication, found.has_secret) == ("halopsa", "client_secret_post", True)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"token_url": "http://auth.example.com/token"}, "begins with https://"),
        ({"name": "halopsa"}, "already"),
        ({"more": "[1]"}, "not a JSON object"),
        ({"client_id": ""}, "required"),
    ],
)
def test_a_bad_one_is_explained_and_not_saved(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer, changed: dict[str, str], complaint: str
) -> None:
    make(acme, values_for(server), server)
    answer = staff.post(f"{LIST}add/?provider=generic", generic(server, **{"name": "Second of them", **changed}))
    assert complaint in text(answer) and SECRET not in text(answer)
    assert "Second of them" not in text(staff.get(LIST))


def test_settings_are_changed_and_the_secret_kept(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    form = staff.get(page_of(id_, "settings"))
    assert "Leave this empty to keep it" in text(form) and SECRET not in text(form)
    assert staff.post(page_of(id_, "settings"), generic(server, name="Halo", secret="")).status_code == 302
    assert (row(acme, id_).name, row(acme, id_).status) == ("Halo", "connected")
    refused = staff.post(page_of(id_, "settings"), generic(server, secret="", token_url="https://evil.example.com/t"))
    assert "client secret again" in text(refused)
    assert row(acme, id_).token_url == f"{server.url}/token"


def test_test_disconnect_and_delete(staff: Client, acme: OrganizationRecord, server: AuthorizationServer) -> None:
    id_ = connected(acme, server)
    assert "The provider gave a new token." in text(staff.post(page_of(id_, "test"), follow=True))
    server.revoke()
    assert "invalid_grant" in text(staff.post(page_of(id_, "test"), follow=True))
    assert "Has to be reconnected" in text(staff.get(LIST))
    assert "Disconnected. Its tokens" in text(staff.post(page_of(id_, "disconnect"), follow=True))
    assert (row(acme, id_).status, row(acme, id_).has_secret) == ("disconnected", False)
    assert "Enter the client secret first" in text(staff.post(page_of(id_, "connect"), follow=True))
    assert staff.post(page_of(id_, "delete"), {"post": "yes"}).status_code == 302
    assert staff.get(page_of(id_)).status_code == 404


def test_an_application_is_connected_by_one_press(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = make(acme, values_for(server, grant="client_credentials"), server)
    assert "Connected." in text(staff.post(page_of(id_, "connect"), follow=True))
    assert row(acme, id_).status == "connected"


def test_whoever_refuses_at_the_provider_is_told_so(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = make(acme, values_for(server), server)
    address = staff.post(page_of(id_, "connect")).headers["Location"]
    state = parse_qs(urlsplit(address).query)["state"][0]
    answer = staff.get("/oauth/callback", {"state": state, "error": "access_denied"}, follow=True)
    assert "did not connect it (access_denied)" in text(answer)
    assert row(acme, id_).status == "new"


def test_a_stranger_cannot_finish_what_another_has_begun(
    staff: Client, msp: OrganizationRecord, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = make(acme, values_for(server), server)
    back = httpx.get(staff.post(page_of(id_, "connect")).headers["Location"]).headers["location"]
    other = signed_in(msp, "admin")
    answer = other.get(back.removeprefix("http://testserver"), follow=True)
    assert "It was not connected. This sign-in is not known" in text(answer)
    assert (
        Client()
        .get(back.removeprefix("http://testserver"), follow=True)
        .redirect_chain[-1][0]
        .startswith("/o/acme/admin/login/")
    )
    assert row(acme, id_).status == "new" and server.token_requests == []


@pytest.mark.parametrize("state", ["", "x", "x.", "x.//evil.example", "x.ACME", "x.a/../b", "\0.\0"])
def test_a_state_that_names_no_organization_leads_nowhere(staff: Client, state: str) -> None:
    answer = staff.get("/oauth/callback", {"state": state, "code": "c"})
    assert answer.status_code == 400 and "Begin again" in text(answer)


def test_another_organization_s_connection_is_not_there(
    staff: Client, acme: OrganizationRecord, globex: OrganizationRecord, server: AuthorizationServer
) -> None:
    theirs = connected(globex, server, "Of Globex")
    assert "Of Globex" not in text(staff.get(LIST))
    for page in ("change", "settings"):
        assert staff.get(page_of(theirs, page)).status_code == 404
    for page in ("connect", "test", "disconnect"):
        assert staff.post(page_of(theirs, page)).status_code == 404
    staff.post(page_of(theirs, "delete"), {"post": "yes"})
    assert row(globex, theirs).status == "connected"


def test_an_auditor_reads_and_changes_nothing(
    msp: OrganizationRecord, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    auditor = signed_in(msp, "auditor")
    assert "HaloPSA" in text(auditor.get(LIST))
    shown = text(auditor.get(page_of(id_)))
    assert "Connected" in shown and "Disconnect" not in shown
    assert auditor.get(page_of(id_, "settings")).status_code == 403
    assert auditor.get(f"{LIST}add/").status_code == 403
    for page in ("connect", "test", "disconnect"):
        assert auditor.post(page_of(id_, page)).status_code == 403
    assert row(acme, id_).status == "connected"


def test_a_technician_of_another_customer_is_not_let_in(
    msp: OrganizationRecord, globex: OrganizationRecord, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    technician = signed_in(msp, "technician", organizations=(globex,))
    assert technician.get(LIST).status_code == 404
    assert technician.post(page_of(id_, "disconnect")).status_code == 404


def test_nothing_that_is_secret_is_on_a_page(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    id_ = connected(acme, server)
    time_passes(acme, id_, 3600)
    refreshing.credentials_now(acme, "HaloPSA")
    for page in (LIST, page_of(id_), page_of(id_, "settings"), page_of(id_, "delete"), "/admin/fleet/fleetconnection/"):
        shown = text(staff.get(page))
        assert [secret for secret in server.secrets if secret in shown] == [], page


def test_at_an_organization_s_own_address_nobody_is_sent_away(
    staff: Client, acme: OrganizationRecord, server: AuthorizationServer
) -> None:
    """The provider would lead back to where the person is not signed in."""
    id_ = make(acme, values_for(server), server)
    with shared_context():
        Domain.objects.create(tenant_id=acme.id, domain="acme.localhost", is_primary=True)
    from orgs import directory

    directory.forget()
    answer = staff.post(page_of(id_, "connect").replace("/o/acme", ""), HTTP_HOST="acme.localhost", follow=True)
    assert "platform's own address" in text(answer).replace("&#x27;", "'")


def test_the_board_shows_what_breaks_in_a_few_queries(
    staff: Client,
    msp: OrganizationRecord,
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    server: AuthorizationServer,
) -> None:
    from integrations.oauth import fleet
    from workflows_app.dispatch.models import Schedule

    ids = [connected(organization, server, f"Halo of {organization.name}") for organization in (acme, globex)]
    shared = make(msp, microsoft(server), server)
    for organization, id_ in ((acme, ids[0]), (globex, ids[1]), (globex, shared)):
        fleet.note_use(organization, id_, f"report_of_{organization.org_id}")
    with shared_context():
        Schedule.objects.create(
            organization=acme.id, workflow="report_of_acme", enabled=True, effective="0 9 * * *|UTC"
        )
    server.revoke()
    time_passes(globex, ids[1], 3600)
    with pytest.raises(Exception, match="reconnected"):
        refreshing.credentials_now(globex, f"Halo of {globex.name}")
    staff.get("/admin/fleet/fleetconnection/")  # who may see what is looked up, and kept for seconds
    with CaptureQueriesContext(connection) as queries:
        shown = text(staff.get("/admin/fleet/fleetconnection/"))
    with CaptureQueriesContext(connection) as fewer:
        staff.get("/admin/fleet/fleetconnection/?status=expired")
    assert len([each for each in queries if "fleet_fleetconnection" in each["sql"]]) == 1
    assert len(queries) == len(fewer)
    places = [shown.index(word) for word in ("Halo of Globex", "Halo of Acme", ">Microsoft<")]
    assert places == sorted(places)
    assert "does not accept the refresh token" in shown and "renewed by itself" in shown
    assert shown.count("report_of_acme") == 2 and shown.count("report_of_globex") == 2

    technician = signed_in(msp, "technician", organizations=(acme,))
    seen = text(technician.get("/admin/fleet/fleetconnection/"))
    assert "Halo of Acme" in seen and "Halo of Globex" not in seen and "report_of_globex" not in seen
