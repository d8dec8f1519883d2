"""A person connects an organization to a provider, through the provider's own page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrations.authorization_server import SECRET, AuthorizationServer
from tests.integrations.vendor import served
from tests.pages.visiting import Visitor

LIST = "/o/acme/admin/integrations/connection/"


@pytest.fixture
def server(staff: Visitor) -> Iterator[AuthorizationServer]:
    provider = AuthorizationServer()
    provider.redirect_uris = {f"{staff.url}/oauth/callback"}
    with served(provider):
        yield provider
    # The provider's page is the one place to which a person leaves on purpose.
    staff.foreign = [url for url in staff.foreign if not url.startswith(provider.url)]


def fill_in(staff: Visitor, server: AuthorizationServer, name: str) -> None:
    staff.open(LIST)
    staff.page.goto(f"{staff.url}{LIST}add/")
    staff.click("Connect to Another provider")
    staff.page.get_by_label("Name").fill(name)
    staff.page.get_by_label("Client id").fill(server.client_id)
    staff.page.locator("#id_secret").fill(SECRET)
    staff.page.get_by_label("Address of the sign-in page").fill(f"{server.url}/authorize")
    staff.page.get_by_label("Address that gives tokens").fill(f"{server.url}/token")
    staff.click("Save", "button")


def test_from_adding_to_disconnected(staff: Visitor, server: AuthorizationServer) -> None:
    fill_in(staff, server, "Provider of a test")
    assert "NOT CONNECTED YET" in staff.text.upper()
    assert staff.page.locator("#callback").inner_text() == f"{staff.url}/oauth/callback"
    assert SECRET not in staff.page.content()

    staff.click("Connect", "button")
    assert "Connected." in staff.text and "is renewed by itself" in staff.text
    staff.click("Test", "button")
    assert "The provider gave a new token." in staff.text and server.refreshes == 1

    staff.open("/admin/fleet/fleetconnection/")
    assert "Provider of a test" in staff.text and "renewed by itself" in staff.text
    staff.click("Provider of a test")
    staff.click("Disconnect", "button")
    assert "DISCONNECTED" in staff.text.upper()
    staff.click(
        "Connect" if staff.page.get_by_role("button", name="Connect", exact=True).count() else "Reconnect", "button"
    )
    assert "Enter the client secret first" in staff.text
    shown = staff.page.content()
    assert [secret for secret in server.secrets if secret in shown] == []


def test_a_phone_shows_the_whole_page(staff: Visitor, phone: Visitor, server: AuthorizationServer) -> None:
    fill_in(staff, server, "Provider for a phone")
    phone.open(staff.page.url.removeprefix(staff.url))
    assert "Provider for a phone" in phone.text
    assert phone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
