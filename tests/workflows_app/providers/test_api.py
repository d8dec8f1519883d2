"""GET /api/data-providers and the options of one of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.configs import set_config
from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_FORMS, SUBMIT_FORMS, VIEW_CONFIG, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from tests.factories import make_token
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add
from tests.workflows_app.rest.conftest import refusal

PROVIDERS = """
    @data_provider(name="get_departments", description="Departments", category="organization")
    async def get_departments(context):
        gates.called()
        names = context.get_config("departments", "IT,HR").split(",")
        return [{"label": name, "value": name.lower()} for name in names]

    @data_provider(name="get_teams", cache_ttl_seconds=0)
    async def get_teams(context, department, size: int = 1):
        return [{"label": department, "value": f"{department}-{size}", "metadata": {"size": size}}]

    @data_provider(name="broken")
    async def broken(context):
        raise IntegrationError("crm.internal refused the key", "crm", 401)
"""


def get(organization: OrganizationRecord, path: str, *permissions: str, **headers: str) -> Any:
    token = make_token(organization, permissions or None)
    return Client().get(f"/api/data-providers{path}", headers={"Authorization": f"Bearer {token}", **headers})


def test_options_in_the_documents_shape(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    options = [{"label": "IT", "value": "it", "metadata": {}}, {"label": "HR", "value": "hr", "metadata": {}}]
    assert get(acme, "/get_departments").json() == {"options": options, "cached": False}
    assert get(acme, "/get_departments").json() == {"options": options, "cached": True}
    assert get(acme, "/get_departments?refresh=true").json()["cached"] is False
    assert get(acme, "/get_departments?refresh=false").json()["cached"] is True
    assert len(gates.calls) == 2


def test_other_fields_are_further_arguments(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    [option] = get(acme, "/get_teams?department=it&size=3").json()["options"]
    assert option == {"label": "it", "value": "it-3", "metadata": {"size": 3}}
    # What has no type is text, whatever it looks like.
    assert get(acme, "/get_teams?department=5").json()["options"][0]["value"] == "5-1"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "department"),
        ("?department=it&size=big", "size"),
        ("?department=it&color=red", "color"),
        ("?department=it&department=hr", "department"),
        ("?department=it&refresh=perhaps", "refresh"),
    ],
)
def test_arguments_that_are_wrong_are_named(add: Add, acme: OrganizationRecord, query: str, field: str) -> None:
    add(PROVIDERS)
    answer = get(acme, f"/get_teams{query}")
    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["errors"][0]["field"] == field


def test_an_error_is_503_and_its_reason_for_staff_alone(
    add: Add, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    add(PROVIDERS)
    theirs, ours = get(acme, "/broken"), get(msp, "/broken", **{"X-Organization-Id": "acme"})
    assert refusal(theirs) == refusal(ours) == (503, "ServiceUnavailable")
    assert theirs.json()["details"] == {"dataProvider": "broken"}
    assert "crm.internal" not in theirs.content.decode()
    assert ours.json()["details"]["reason"] == "IntegrationError: crm.internal refused the key"


def test_one_that_is_not_there(add: Add, acme: OrganizationRecord) -> None:
    add(PROVIDERS)
    assert refusal(get(acme, "/nothing")) == (404, "NotFound")


def test_another_organization_s_options_are_never_given(
    add: Add, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    add(PROVIDERS)
    set_config(globex, "departments", "Secret lab")
    assert get(globex, "/get_departments").json()["options"][0]["label"] == "Secret lab"
    assert "Secret lab" not in get(acme, "/get_departments").content.decode()
    assert refusal(get(acme, "/get_departments", **{"X-Organization-Id": "globex"})) == (403, "PermissionError")


@pytest.mark.parametrize(
    ("permission", "one", "all_"),
    [
        (EXECUTE_WORKFLOWS, 200, 200),
        (MANAGE_FORMS, 200, 403),
        (VIEW_EXECUTIONS, 403, 200),
        (SUBMIT_FORMS, 403, 403),
    ],
)
def test_who_may_ask(add: Add, acme: OrganizationRecord, permission: str, one: int, all_: int) -> None:
    """Whoever uses forms alone gets the options of a form, by the form."""
    add(PROVIDERS)
    assert get(acme, "/get_departments", permission).status_code == one
    assert get(acme, "", permission).status_code == all_
    assert Client().get("/api/data-providers/get_departments").status_code == 401


def test_what_there_is_with_inputs_and_health(add: Add, acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    add(PROVIDERS)
    get(acme, "/broken")
    gates.wait_until(lambda: get(acme, "").json()["results"][0]["health"])
    broken, departments, teams = get(acme, "").json()["results"]
    assert (broken["name"], broken["health"]["state"], broken["health"]["lastError"]) == ("broken", "failing", None)
    assert departments == {
        "name": "get_departments",
        "description": "Departments",
        "category": "organization",
        "cacheTtlSeconds": 300,
        "inputs": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        "health": None,
    }
    assert (list(teams["inputs"]["properties"]), teams["inputs"]["required"]) == (
        ["department", "size"],
        ["department"],
    )
    ours = get(msp, "", **{"X-Organization-Id": "acme"}).json()["results"][0]
    assert ours["health"]["lastError"] == "IntegrationError: crm.internal refused the key"
    assert get(acme, "", EXECUTE_WORKFLOWS).json()["results"][0]["health"] is None
    assert get(acme, "", EXECUTE_WORKFLOWS, VIEW_CONFIG).json()["results"][0]["health"] is not None
