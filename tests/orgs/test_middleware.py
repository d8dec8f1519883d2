"""Pages under /o/<org_id>/ and at an organization's host: who gets in, in which schema, with which links."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import get_script_prefix, path, reverse
from pytest_django.fixtures import Settings

from orgs import directory
from orgs.models import Domain
from orgs.records import OrganizationRecord
from orgs.tenancy import current_schema
from tests.factories import PASSWORD, change, make_token, make_user


def where(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
    return JsonResponse({"schema": schema, "path": request.path, "info": request.path_info, "link": reverse("where")})


@login_not_required
def open_to_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current_schema())


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("A page that fails.")


def say(request: HttpRequest) -> HttpResponse:
    messages.success(request, f"Done in {request.path_org_id}")  # type: ignore[attr-defined]
    return HttpResponse()


def hear(request: HttpRequest) -> HttpResponse:
    return HttpResponse(", ".join(str(message) for message in messages.get_messages(request)))


@pytest.fixture(autouse=True)
def pages(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    urls: Any = ModuleType("tests.orgs.pages")
    urls.urlpatterns = [
        path("where", where, name="where"),
        path("open", open_to_all),
        path("crash", crash),
        path("say", say),
        path("hear", hear),
        path("admin/login/", open_to_all, name="login"),
        path("admin/where", where),
        path("sign-in", open_to_all, name="portal-sign-in"),
        path("", where, name="portal-home"),
    ]
    namespaced: Any = ModuleType("tests.orgs.namespaced")
    namespaced.urlpatterns = [
        *urls.urlpatterns,
        path("admin/", ([path("login/", open_to_all, name="login")], "admin", "x")),
    ]
    monkeypatch.setitem(sys.modules, "tests.orgs.pages", namespaced)
    settings.ORGANIZATION_URLCONF = "tests.orgs.pages"


def signed_in(organization: OrganizationRecord, role: str = "viewer") -> Client:
    client = Client()
    assert client.login(username=make_user(organization, role).email, password=PASSWORD)
    return client


def test_a_member_sees_the_page_in_the_organizations_schema_with_right_links(acme: OrganizationRecord) -> None:
    answer = signed_in(acme).get("/o/acme/where").json()
    assert answer == {"schema": acme.schema_name, "path": "/o/acme/where", "info": "/where", "link": "/o/acme/where"}
    assert current_schema() == "public"
    assert get_script_prefix() == "/"


def test_links_keep_the_prefix_of_the_server_too(acme: OrganizationRecord) -> None:
    answer = signed_in(acme).get("/o/acme/where", SCRIPT_NAME="/bifrost").json()
    assert answer["link"] == "/bifrost/o/acme/where"


def test_a_page_that_fails_leaves_everything_as_it_was(acme: OrganizationRecord) -> None:
    client = signed_in(acme)
    client.raise_request_exception = False
    assert client.get("/o/acme/crash").status_code == 500
    assert current_schema() == "public"
    assert get_script_prefix() == "/"


@pytest.mark.parametrize("named", ["globex", "nope"])
def test_a_login_is_valid_in_the_persons_own_organization_alone(acme: OrganizationRecord, named: str) -> None:
    answer = signed_in(acme).get(f"/o/{named}/where")
    assert answer.status_code == 403
    assert "give no access" in answer.content.decode()


@pytest.mark.parametrize("named", ["acme", "nope"])
def test_a_stranger_is_sent_to_sign_in_whether_it_exists_or_not(acme: OrganizationRecord, named: str) -> None:
    answer = Client().get(f"/o/{named}/where")
    assert answer.status_code == 302
    assert answer["Location"] == f"/o/{named}/sign-in?next=/o/{named}/where"


def test_a_stranger_at_the_staffs_pages_is_sent_to_their_own_sign_in(acme: OrganizationRecord) -> None:
    answer = Client().get("/o/acme/admin/where")
    assert answer["Location"] == "/o/acme/admin/login/?next=/o/acme/admin/where"


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("http://testserver/o/acme/where?page=2", "/o/acme/where%3Fpage%3D2"),
        ("https://evil.example/o/acme/where", "/o/acme/"),
        ("javascript:alert(1)", "/o/acme/"),
        ("", "/o/acme/"),
    ],
)
def test_after_an_expired_session_a_part_of_a_page_sends_its_whole_page_to_sign_in(
    acme: OrganizationRecord, page: str, back: str
) -> None:
    answer = Client().get("/o/acme/where", headers={"HX-Request": "true", "HX-Current-URL": page})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/o/acme/sign-in?next={back}"


def test_an_open_page_sees_the_shared_schema_alone(acme: OrganizationRecord) -> None:
    assert Client().get("/o/acme/open").content == b"public"
    assert signed_in(acme).get("/o/acme/open").content == b"public"


def test_staff_get_404_for_an_organization_that_is_none(msp: OrganizationRecord) -> None:
    assert signed_in(msp, "auditor").get("/o/nope/where").status_code == 404


@pytest.mark.parametrize(("values", "status"), [({"status": "suspended"}, 403), ({"ready": False}, 503)])
def test_closed_doors_say_so(acme: OrganizationRecord, values: dict[str, Any], status: int) -> None:
    client = signed_in(acme)
    change(acme, **values)
    assert client.get("/o/acme/where").status_code == status


def test_a_foreign_header_beside_the_path_is_refused(acme: OrganizationRecord) -> None:
    assert signed_in(acme).get("/o/acme/where", headers={"X-Organization-Id": "globex"}).status_code == 403


@pytest.mark.parametrize("address", ["/o/", "/o//where", "/o/acme/nowhere", "/o"])
def test_what_is_no_page_is_404(acme: OrganizationRecord, address: str) -> None:
    assert signed_in(acme).get(address).status_code == 404


def test_names_are_not_taken_apart_by_odd_characters(acme: OrganizationRecord) -> None:
    for address in ("/o/acme%2Fx/where", "/o/%00/where", "/o/acme%0a/where", "/o/..%2facme/where"):
        assert signed_in(acme).get(address).status_code in {403, 404}


def test_a_token_is_let_into_its_organizations_pages(acme: OrganizationRecord) -> None:
    answer = Client().get("/o/acme/where", headers={"Authorization": f"Bearer {make_token(acme)}"})
    assert answer.json()["schema"] == acme.schema_name


# --- Hosts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def acme_host(acme: OrganizationRecord) -> str:
    Domain.objects.create(tenant_id=acme.id, domain="acme.localhost")
    directory.forget()
    return "acme.localhost"


def test_at_its_host_an_organizations_pages_need_no_prefix(acme: OrganizationRecord, acme_host: str) -> None:
    answer = signed_in(acme).get("/where", headers={"Host": acme_host}).json()
    assert (answer["schema"], answer["link"]) == (acme.schema_name, "/where")


def test_a_member_of_another_organization_is_refused_at_a_host(globex: OrganizationRecord, acme_host: str) -> None:
    assert signed_in(globex).get("/where", headers={"Host": acme_host}).status_code == 403


def test_the_staffs_own_pages_are_not_at_an_organizations_host(msp: OrganizationRecord, acme_host: str) -> None:
    client = signed_in(msp, "owner")
    assert client.get("/admin/orgs/user/").status_code == 200
    assert client.get("/admin/orgs/user/", headers={"Host": acme_host}).status_code == 404


def test_the_host_changes_nothing_for_the_base_address(acme: OrganizationRecord) -> None:
    assert signed_in(acme).get("/where").status_code == 404


# --- Messages (T13) -----------------------------------------------------------------------------------------------


def test_what_one_organizations_page_said_is_not_heard_on_anothers(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    user = make_user(acme, "viewer")
    user.memberships.create(organization_id=globex.id, role="viewer")
    client = Client()
    client.force_login(user)
    client.get("/o/acme/say")
    assert client.get("/o/globex/hear").content == b""
    assert client.get("/o/acme/hear").content == b"Done in acme"
    assert client.get("/o/acme/hear").content == b""
