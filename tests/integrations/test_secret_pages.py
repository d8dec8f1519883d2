"""The page of an organization's secrets, and the page that says which config holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from integrations import configs, secrets
from integrations.configs import set_config
from integrations.secrets import previous_secret_future, read_secret
from orgs.records import OrganizationRecord
from tests.factories import PASSWORD, make_user

PAGE = "/o/{}/admin/secrets/"
SENT = {"name": "api_key", "value": "hunter22-of-acme", "hours": "0", "whose": "own"}


@pytest.fixture(autouse=True)
def nothing_before(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configs, "_layers", configs._Layers())
    for organization in (acme, globex, msp):
        secrets.prepare_organization(organization)


@pytest.fixture
def signed_in(msp: OrganizationRecord) -> Callable[[str], Client]:
    """A member of the staff with this role."""

    def sign_in(role: str) -> Client:
        client = Client()
        assert client.login(username=make_user(msp, role, all_organizations=True).email, password=PASSWORD)
        return client

    return sign_in


@pytest.fixture
def staff(signed_in: Callable[[str], Client]) -> Client:
    return signed_in("admin")


def page(client: Client, org_id: str = "acme", **query: str) -> str:
    return str(client.get(PAGE.format(org_id), query).content.decode())


def post(client: Client, org_id: str = "acme", **values: Any) -> str:
    return str(client.post(PAGE.format(org_id), values, follow=True).content.decode())


def test_a_secret_is_set_and_its_value_is_on_no_page(staff: Client, acme: OrganizationRecord) -> None:
    shown = post(staff, **SENT)

    assert read_secret(acme, "api_key") == "hunter22-of-acme"
    assert "The secret api_key is set." in shown
    assert "hunter22" not in shown + page(staff)


def test_a_rotation_says_how_long_the_value_before_is_readable(staff: Client, acme: OrganizationRecord) -> None:
    post(staff, **SENT)
    post(staff, **{**SENT, "value": "another", "hours": "24"})

    assert read_secret(acme, "api_key") == "another"
    assert previous_secret_future(acme, "api_key").result(5) == "hunter22-of-acme"


def test_deleting_asks_first(staff: Client, acme: OrganizationRecord) -> None:
    post(staff, **SENT)

    assert "with all its versions?" in page(staff, delete="api_key", whose="own")
    assert secrets.list_secrets(acme) == ["api_key"]
    assert "The secret api_key is deleted." in post(staff, delete="api_key", whose="own")
    assert secrets.list_secrets(acme) == []


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"name": "-bad"}, "cannot name a secret"),
        ({"value": ""}, "This field is required"),
        ({"hours": "-1"}, "greater than or equal to 0"),
        ({"hours": "9999"}, "less than or equal to 720"),
        ({"whose": "all"}, "Only the MSP&#x27;s organization has defaults."),
    ],
)
def test_what_is_wrong_is_said_and_the_value_is_not_repeated(
    staff: Client, acme: OrganizationRecord, wrong: dict[str, str], complaint: str
) -> None:
    shown = post(staff, **{**SENT, **wrong})

    assert complaint in shown
    assert secrets.list_secrets(acme) == []


def test_the_msp_sets_defaults_which_others_see_and_do_not_delete(
    staff: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    post(staff, "msp", **{**SENT, "whose": "all"})
    post(staff, "msp", **{**SENT, "whose": "all", "tag": "gold", "value": "of-gold"})

    assert (read_secret(acme, "api_key"), read_secret(globex, "api_key")) == ("hunter22-of-acme", "of-gold")
    assert "the MSP&#x27;s default for gold" in page(staff, "globex")
    assert "There is no secret api_key." in post(staff, delete="api_key", whose="own")


def test_who_only_looks_finds_names_and_no_form(signed_in: Callable[[str], Client], staff: Client) -> None:
    post(staff, **SENT)
    auditor = signed_in("auditor")

    shown = page(auditor)

    assert "api_key" in shown and "Set or rotate" not in shown
    assert auditor.post(PAGE.format("acme"), SENT).status_code == 403


def test_a_customer_s_own_people_do_not_come_here(acme: OrganizationRecord) -> None:
    client = Client()
    assert client.login(username=make_user(acme, "owner").email, password=PASSWORD)

    assert client.get(PAGE.format("acme")).status_code in {302, 403}


def test_the_vault_s_absence_is_said_and_the_page_is_there(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from integrations.errors import VaultUnavailable

    def away(*_: object) -> None:
        raise VaultUnavailable("The vault at http://vault is sealed.")

    monkeypatch.setattr("integrations.secret_pages.known_secrets", away)

    assert "The vault at http://vault is sealed." in page(staff)


def test_which_config_holds_is_said_with_what_it_takes_the_place_of(
    staff: Client, msp: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_config(msp, "timeout", 1, "int")
    set_config(msp, "timeout", 2, "int", tag="gold")
    set_config(globex, "timeout", 3, "int")
    set_config(msp, "client_secret", "hunter22")

    shown = staff.get("/o/globex/admin/integrations/config/values/").content.decode()

    assert "the organization" in shown
    assert "the MSP&#x27;s default for gold<br>the MSP&#x27;s default" in " ".join(shown.split()).replace("> ", ">")
    assert "hunter22" not in shown
