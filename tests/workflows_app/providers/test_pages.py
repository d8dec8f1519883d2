"""The staff's page of an organization's data providers."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.models import User
from orgs.records import OrganizationRecord
from tests.factories import PASSWORD, make_user
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add

PAGE = "/o/{}/admin/data-providers/"
PROVIDERS = """
    @data_provider(name="get_departments", description="<b>Departments</b>")
    async def get_departments(context):
        gates.called(context.org_id)
        return [{"label": "IT", "value": "it"}]

    @data_provider(name="get_teams")
    async def get_teams(context, department):
        return []

    @data_provider(name="broken")
    async def broken(context):
        context.log("warning", "trying <i>again</i>")
        raise RuntimeError("<script>alert(1)</script>")

    @workflow(name="assign")
    @param("department", "string", data_provider="get_departments")
    async def assign(context, department=None): ...
"""


@pytest.fixture
def staff(msp: OrganizationRecord, add: Add) -> User:
    add(PROVIDERS)
    return make_user(msp, "technician", all_organizations=True)


def signed_in(user: User) -> Client:
    client = Client()
    assert client.login(username=user.email, password=PASSWORD)
    return client


def ask(client: Client, name: str, org_id: str = "acme") -> str:
    answer = client.post(PAGE.format(org_id), {"provider": name}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_all_of_them_with_what_uses_them(staff: User, acme: OrganizationRecord) -> None:
    said = signed_in(staff).get(PAGE.format("acme")).content.decode()
    assert said.count("never asked") == 3
    assert "&lt;b&gt;Departments&lt;/b&gt;" in said and "Depends on department" in said and "assign" in said


def test_staff_ask_one_anew_and_see_what_came_of_it(staff: User, acme: OrganizationRecord) -> None:
    client = signed_in(staff)
    assert "&quot;get_departments&quot; gave 1 option." in ask(client, "get_departments")
    gates.wait_until(lambda: "1 options in" in client.get(PAGE.format("acme")).content.decode())
    assert "needs values of other fields" in ask(client, "get_teams")
    assert "There is no data provider" in ask(client, "nothing")
    assert gates.calls == [("acme",)]


def test_a_failure_is_told_with_its_reason_escaped_and_first(staff: User, acme: OrganizationRecord) -> None:
    client = signed_in(staff)
    assert "RuntimeError: &lt;script&gt;" in ask(client, "broken")
    gates.wait_until(lambda: "failing" in client.get(PAGE.format("acme")).content.decode())
    said = client.get(PAGE.format("acme")).content.decode()
    assert "<script>alert" not in said and "trying &lt;i&gt;again" in said
    assert said.index("broken") < said.index("get_departments")


def test_each_organization_has_its_own(staff: User, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    client = signed_in(staff)
    ask(client, "broken")
    gates.wait_until(lambda: "failing" in client.get(PAGE.format("acme")).content.decode())
    assert "failing" not in client.get(PAGE.format("globex")).content.decode()


def test_who_may_look_and_who_may_ask(
    staff: User, msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    auditor = signed_in(make_user(msp, "auditor", all_organizations=True))
    assert "Ask anew" not in auditor.get(PAGE.format("acme")).content.decode()
    assert auditor.post(PAGE.format("acme"), {"provider": "get_departments"}).status_code == 403
    of_globex = signed_in(make_user(msp, "technician", organizations=(globex,)))
    assert of_globex.get(PAGE.format("globex")).status_code == 200
    assert of_globex.get(PAGE.format("acme")).status_code in (302, 403, 404)
    assert signed_in(make_user(acme, "admin")).get(PAGE.format("acme")).status_code in (302, 403)
    assert gates.calls == []


def test_it_costs_the_same_however_many_there_are(staff: User, acme: OrganizationRecord, add: Add) -> None:
    client = signed_in(staff)
    client.get(PAGE.format("acme"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(PAGE.format("acme"))
        return len(captured)

    few = queries()
    more = "\n".join(f"@data_provider(name='more_{n}')\nasync def more_{n}(context): ..." for n in range(30))
    add(more, "data_providers/more.py")
    assert queries() == few
