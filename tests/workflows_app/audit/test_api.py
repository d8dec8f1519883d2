"""GET /api/audit: an organization's own log, for those who manage its people."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from orgs import audit
from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_EXECUTIONS, MANAGE_MEMBERS, VIEW_CONFIG, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from tests.factories import change, make_actor, make_token, make_user
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from tests.workflows_app.rest.test_people import Session


def happened(organization: OrganizationRecord | None, operation: str = "config.set", number: int = 1) -> None:
    with transaction.atomic():
        for each in range(number):
            audit.record(make_actor(), operation, organization=organization, target=f"config:key_{each}")


def operations(answer: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    """Without what made the test's surroundings."""
    found = [(event["operation"], event["objectId"]) for event in answer["results"]]
    return [each for each in found if each[0] not in {"organization.create", "token.create"}]


def test_an_event_as_it_is_shown(api: Api, acme: OrganizationRecord) -> None:
    execution = uuid7()
    with transaction.atomic():
        audit.record(
            make_actor(),
            "execution.cancel",
            organization=acme,
            target=f"execution:{execution}",
            metadata={"some_key": "s3cret", "n": 1},
            execution=execution,
        )

    [shown] = api.get("/api/audit?operation=execution.cancel").json()["results"]

    assert shown.pop("eventId") and shown.pop("timestamp").endswith("Z")
    assert shown == {
        "operation": "execution.cancel",
        "actor": {"kind": "user", "id": "user-1", "email": "ada@example.com", "name": "Ada"},
        "objectKind": "execution",
        "objectId": str(execution),
        "metadata": {"some_key": "REDACTED", "n": 1},
        "executionId": str(execution),
    }


def test_the_list_is_newest_first_paged_and_narrowed(api: Api, acme: OrganizationRecord) -> None:
    happened(acme, number=3)
    happened(acme, "config.delete")
    first = api.get("/api/audit?operation=config.set&limit=2").json()
    assert operations(first) == [("config.set", "key_2"), ("config.set", "key_1")]
    rest = api.get(f"/api/audit?operation=config.set&limit=2&cursor={first['next']}").json()
    assert operations(rest) == [("config.set", "key_0")] and rest["next"] is None
    assert operations(api.get("/api/audit").json())[0] == ("config.delete", "key_0")
    assert api.get("/api/audit?operation=config").json()["results"] == []


def test_a_page_is_one_query(api: Api, acme: OrganizationRecord) -> None:
    happened(acme, number=5)
    api.get("/api/audit")
    with CaptureQueriesContext(connection) as queries:
        api.get("/api/audit")
    assert len([query for query in queries if "orgs_auditevent" in query["sql"]]) == 1


def test_another_organizations_and_the_platforms_events_are_never_seen(
    api: Api, acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, workspace: Path
) -> None:
    happened(acme, "of.acme")
    happened(globex, "of.globex")
    happened(None, "of.platform")
    assert operations(api.get("/api/audit").json()) == [("of.acme", "key_0")]
    assert api.get("/api/audit?operation=of.globex").json()["results"] == []
    for named, seen in ((acme, "of.acme"), (globex, "of.globex")):
        staff = Api(Authorization=f"Bearer {make_token(msp)}", **{"X-Organization-Id": named.org_id})
        assert operations(staff.get("/api/audit").json()) == [(seen, "key_0")]


def test_a_cursor_of_another_organizations_event_leads_nowhere_else(
    api: Api, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    happened(acme, "of.acme")
    happened(globex, "of.globex", 2)
    assert operations(api.get(f"/api/audit?cursor={uuid7()}").json()) == [("of.acme", "key_0")]


def test_it_is_for_those_who_manage_members(api_of: ApiOf, acme: OrganizationRecord, workspace: Path) -> None:
    others = (EXECUTE_WORKFLOWS, VIEW_EXECUTIONS, MANAGE_EXECUTIONS, VIEW_CONFIG)
    assert refusal(api_of(acme, *others).get("/api/audit")) == (403, "PermissionError")
    assert api_of(acme, MANAGE_MEMBERS).get("/api/audit").status_code == 200
    for role, status in (("owner", 200), ("admin", 200), ("operator", 403), ("requester", 403), ("viewer", 403)):
        assert Session(make_user(acme, role), acme).get("/api/audit").status_code == status


def test_which_organization_is_always_named(msp: OrganizationRecord, acme: OrganizationRecord, api_of: ApiOf) -> None:
    staff = api_of(msp)
    assert refusal(staff.get("/api/audit")) == (400, "ValidationError")
    assert refusal(staff.get("/api/audit", **{"X-Organization-Id": "nobody"})) == (404, "NotFound")
    assert refusal(api_of(acme).get("/api/audit", **{"X-Organization-Id": "globex"})) == (403, "PermissionError")
    change(acme, status="suspended")
    assert refusal(api_of(acme).get("/api/audit")) == (403, "PermissionError")


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "limit=0", "limit=101", "limit=x", "actor=ada", "operation=a%00b"]
)
def test_what_is_asked_wrongly_is_refused(api: Api, query: str) -> None:
    assert refusal(api.get(f"/api/audit?{query}")) == (400, "ValidationError")


def test_it_is_read_and_nothing_else(api: Api) -> None:
    assert refusal(api.post("/api/audit", {"operation": "made.up"})) == (405, "MethodNotAllowed")
    assert api.client.delete("/api/audit", headers=api.headers).status_code == 405
