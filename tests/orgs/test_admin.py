"""The staff's pages: who gets in, what each scope sees, and what the pages about organizations do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from integrations.models import Config
from orgs import directory
from orgs.models import ApiToken, Domain, Membership, Organization, User
from orgs.records import OrganizationRecord
from orgs.sites import OrganizationModelAdmin, organization_site
from orgs.tenancy import org_context
from tests.factories import PASSWORD, change, make_token, make_user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(msp: OrganizationRecord, role: str = "owner", **scope: Any) -> Client:
    return browser(make_user(msp, role, **(scope or {"all_organizations": True})))


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# --- Signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["/admin/", "/o/acme/admin/"])
def test_staff_sign_in_by_email_whatever_its_case(acme: OrganizationRecord, msp: OrganizationRecord, site: str) -> None:
    make_user(msp, "auditor", email="ada@msp.example", all_organizations=True)
    client = Client()
    assert client.get(site).status_code == 302
    answer = client.post(f"{site}login/?next={site}", {"username": "Ada@MSP.example", "password": PASSWORD})
    assert answer["Location"] == site
    assert client.get(site).status_code == 200


@pytest.mark.parametrize("site", ["/admin/", "/o/acme/admin/"])
def test_a_customers_owner_is_not_let_in(acme: OrganizationRecord, site: str) -> None:
    owner = make_user(acme, "owner")
    answer = Client().post(f"{site}login/", {"username": owner.email, "password": PASSWORD})
    assert "correct email and password" in text(answer)
    assert browser(owner).get(site).status_code == 302


def test_an_inactive_person_is_not_let_in(msp: OrganizationRecord) -> None:
    user = make_user(msp, "owner", is_active=False)
    answer = Client().post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert browser(user).get("/admin/").status_code == 302


def test_a_superuser_is_let_in_without_membership(acme: OrganizationRecord) -> None:
    client = browser(make_user(is_superuser=True))
    assert client.get("/admin/").status_code == 200
    assert client.get("/o/acme/admin/").status_code == 200


def test_a_token_opens_no_admin_page(msp: OrganizationRecord) -> None:
    headers = {"Authorization": f"Bearer {make_token(msp)}"}
    assert Client().get("/admin/orgs/organization/", headers=headers).status_code == 302


# --- Organizations ------------------------------------------------------------------------------------------------


def test_an_organization_is_made_with_its_schema(msp: OrganizationRecord, settings: Settings) -> None:
    settings.PROVISIONING_STEPS = []
    values = {
        "org_id": "initech",
        "name": "Initech",
        "timezone": "Europe/Berlin",
        "tags": "gold,eu",
        "domains": "I.example",
    }
    answer = staff(msp).post("/admin/orgs/organization/add/", values)
    made = directory.organization_by_org_id("initech")
    assert answer.status_code == 302, text(answer)
    assert made is not None
    assert (made.ready, made.tags, made.timezone) == (True, ("gold", "eu"), "Europe/Berlin")
    assert Domain.objects.get().domain == "i.example"
    assert LogEntry.objects.get().object_id == str(made.id)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"org_id": "acme"}, "already exists"),
        ({"org_id": "Bad Name"}, "Lower-case letters"),
        ({"timezone": "Mars/Olympus"}, "no such time zone"),
    ],
)
def test_an_organization_that_cannot_be_is_explained(
    acme: OrganizationRecord, msp: OrganizationRecord, values: dict[str, str], sentence: str
) -> None:
    given = {"org_id": "initech", "name": "Initech", "timezone": "UTC", **values}
    answer = staff(msp).post("/admin/orgs/organization/add/", given, follow=True)
    assert sentence in text(answer)
    assert Organization.objects.count() == 3


def test_suspending_and_activating_take_effect_at_once(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client = staff(msp)
    for action, status in (("suspend", "suspended"), ("activate", "active")):
        directory.organization_by_id(acme.id)
        client.post("/admin/orgs/organization/", {"action": action, "_selected_action": [str(acme.id)]})
        found = directory.organization_by_id(acme.id)
        assert found is not None
        assert found.status == status


def test_the_list_leads_into_each_organization(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    page = staff(msp).get("/admin/orgs/organization/").content.decode()
    assert 'href="/o/acme/admin/"' in page


def test_an_organization_is_edited_but_never_its_name_in_addresses(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    values = {"org_id": "other", "name": "Acme Ltd", "status": "suspended", "timezone": "UTC", "tags": "new"}
    staff(msp).post(f"/admin/orgs/organization/{acme.id}/change/", values)
    row = Organization.objects.get(id=acme.id)
    assert (row.org_id, row.name, row.status, row.tags) == ("acme", "Acme Ltd", "active", ["new"])


def test_an_organization_is_not_deleted(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client = staff(msp)
    assert client.post(f"/admin/orgs/organization/{acme.id}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/orgs/organization/", {"action": "delete_selected", "_selected_action": [str(acme.id)]})
    assert Organization.objects.filter(id=acme.id).exists()


@pytest.mark.parametrize("role", ["technician", "auditor"])
def test_those_who_only_look_change_nothing(acme: OrganizationRecord, msp: OrganizationRecord, role: str) -> None:
    client = staff(msp, role)
    assert client.get(f"/admin/orgs/organization/{acme.id}/change/").status_code == 200
    assert client.post(f"/admin/orgs/organization/{acme.id}/change/", {"name": "X"}).status_code == 403
    assert client.get("/admin/orgs/organization/add/").status_code == 403
    client.post("/admin/orgs/organization/", {"action": "suspend", "_selected_action": [str(acme.id)]})
    assert Organization.objects.get(id=acme.id).status == "active"
    assert client.get("/admin/orgs/apitoken/").status_code == 403


# --- Scope --------------------------------------------------------------------------------------------------------


def test_a_scope_shows_its_own_organizations_alone(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = staff(msp, "technician", tags=("gold",))
    page = text(client.get("/admin/orgs/organization/"))
    assert "Globex" in page
    assert "Acme" not in page
    assert client.get(f"/admin/orgs/organization/{acme.id}/change/").status_code == 302


@pytest.fixture
def admin_of_globex(msp: OrganizationRecord, globex: OrganizationRecord) -> Client:
    return staff(msp, "admin", organizations=(globex,))


def test_a_scope_ends_at_people_of_other_organizations(
    admin_of_globex: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    mine, other, both = make_user(globex), make_user(acme), make_user(globex)
    Membership.objects.create(user=both, organization_id=acme.id, role="viewer")
    page = text(admin_of_globex.get("/admin/orgs/user/"))
    assert mine.email in page
    assert other.email not in page
    assert both.email not in page
    answer = admin_of_globex.post(
        f"/admin/orgs/user/{both.id}/change/", {"email": both.email, "new_password": "taken over!"}
    )
    assert answer.status_code == 302
    assert User.objects.get(id=both.id).check_password(PASSWORD)


def test_where_one_belongs_as_a_customer_one_is_no_member_of_the_staff(
    msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    """A customer's owner can invite whom he likes: that widens no scope over his organization."""
    user, owner = make_user(msp, "admin", organizations=(globex,)), make_user(acme, "owner")
    Membership.objects.create(user=user, organization_id=acme.id, role="viewer")
    client = browser(user)
    assert "Acme" not in text(client.get("/admin/orgs/organization/"))
    client.post(f"/admin/orgs/user/{owner.id}/change/", {"email": owner.email, "new_password": "taken over!"})
    assert User.objects.get(id=owner.id).check_password(PASSWORD)
    client.post("/admin/orgs/apitoken/add/", {"organization": str(acme.id), "name": "t", "permissions": ["canApprove"]})
    assert not ApiToken.objects.exists()


def test_what_one_may_do_at_a_customer_says_nothing_on_the_staff_s_pages(
    msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    user = make_user(msp, "auditor", all_organizations=True)
    Membership.objects.create(user=user, organization_id=acme.id, role="owner")
    values = {"organization": str(globex.id), "name": "t", "permissions": ["canApprove"]}
    client, named = browser(user), {"X-Organization-Id": "acme"}
    assert client.get("/admin/", headers=named).status_code == 302
    for headers in ({}, named):
        assert client.post("/admin/orgs/apitoken/add/", values, headers=headers).status_code in {302, 403}
    assert not ApiToken.objects.exists()


def test_a_scope_ends_at_the_tenant_that_an_organization_signs_in_to(
    admin_of_globex: Client, globex: OrganizationRecord
) -> None:
    values = {"name": "Globex", "timezone": "UTC", "tags": "gold", "tenant_id": "acme.onmicrosoft.com"}
    admin_of_globex.post(f"/admin/orgs/organization/{globex.id}/change/", values)
    assert Organization.objects.get(id=globex.id).tenant_id == globex.tenant_id
    values = {"org_id": "initech", "name": "Initech", "timezone": "UTC", "tenant_id": "acme.onmicrosoft.com"}
    assert admin_of_globex.post("/admin/orgs/organization/add/", values).status_code == 403


def test_an_admin_without_power_over_staff_cannot_become_an_owner(
    admin_of_globex: Client, msp: OrganizationRecord, globex: OrganizationRecord
) -> None:
    owner, root, mine = make_user(msp, "owner"), make_user(is_superuser=True), make_user(globex)
    for person in (owner, root):
        admin_of_globex.post(
            f"/admin/orgs/user/{person.id}/change/", {"email": person.email, "new_password": "taken over!"}
        )
        assert User.objects.get(id=person.id).check_password(PASSWORD)
    answer = admin_of_globex.post(
        "/admin/orgs/membership/add/", {"user": str(mine.id), "organization": str(msp.id), "role": "owner"}
    )
    assert answer.status_code == 200
    assert not Membership.objects.filter(user=mine, organization_id=msp.id).exists()


def test_nobody_is_made_a_superuser_by_a_form(msp: OrganizationRecord) -> None:
    values = {"email": "x@y.example", "is_active": "on", "is_superuser": "on", "new_password": "a long pass phrase"}
    staff(msp).post("/admin/orgs/user/add/", values)
    assert not User.objects.get(email="x@y.example").is_superuser


def test_a_scope_ends_at_tokens_of_other_organizations(
    admin_of_globex: Client, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    make_token(acme, name="of-acme")
    make_token(msp, name="of-msp")
    page = text(admin_of_globex.get("/admin/orgs/apitoken/"))
    assert "of-acme" not in page
    assert "of-msp" not in page
    values = {"organization": str(msp.id), "name": "t", "permissions": ["canApprove"]}
    assert admin_of_globex.post("/admin/orgs/apitoken/add/", values).status_code == 200
    assert ApiToken.objects.count() == 2


# --- An organization's pages --------------------------------------------------------------------------------------


class ConfigPages(OrganizationModelAdmin):
    view_permission = "canViewConfig"
    change_permission = "canManageConfig"
    list_display = ["key"]


@pytest.fixture
def config_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(organization_site._registry, Config, ConfigPages(Config, organization_site))


def test_pages_of_two_organizations_show_and_change_their_own_rows(
    config_pages: None, acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = staff(msp)
    for name in ("acme", "globex"):
        values = {"key": f"of_{name}", "type": "string", "value": '"x"'}
        answer = client.post(f"/o/{name}/admin/integrations/config/add/", values)
        assert answer.status_code == 302, text(answer)
        assert answer["Location"] == f"/o/{name}/admin/integrations/config/"
    for name, other in (("acme", "globex"), ("globex", "acme")):
        page = text(client.get(f"/o/{name}/admin/integrations/config/"))
        assert f"of_{name}" in page
        assert f"of_{other}" not in page


def config_keys(organization: OrganizationRecord) -> list[str]:
    with org_context(organization):
        return list(Config.objects.values_list("key", flat=True))


def test_an_organizations_page_writes_nothing_of_it_into_the_shared_log(
    config_pages: None, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    staff(msp).post("/o/acme/admin/integrations/config/add/", {"key": "of_acme", "type": "string", "value": '"x"'})
    assert config_keys(acme) == ["of_acme"]
    assert not LogEntry.objects.exists()


def test_an_organizations_pages_ask_named_permissions(
    config_pages: None, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = staff(msp, "auditor")
    assert client.get("/o/acme/admin/integrations/config/").status_code == 200
    assert client.get("/o/acme/admin/integrations/config/add/").status_code == 403


def test_an_organizations_pages_are_closed_with_it(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client = staff(msp)
    change(acme, status="suspended")
    assert client.get("/o/acme/admin/").status_code == 403


def test_an_organizations_address_leads_to_its_portal_and_staff_from_there_to_its_admin(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    assert 'href="/o/acme/admin/"' in staff(msp).get("/o/acme/").content.decode()


def test_an_organizations_pages_carry_its_name_and_not_the_staffs_history(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = staff(msp)
    client.post(f"/admin/orgs/organization/{globex.id}/change/", {"name": "Globex Secret", "timezone": "UTC"})
    page = text(client.get("/o/acme/admin/"))
    assert "Acme" in page
    assert "Globex" not in page
    assert "global schema" not in page
