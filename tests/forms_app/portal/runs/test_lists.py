"""The lists of requests: whose they are, what they are called, and how one finds one among many."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from forms_app.portal.runs.listing import AT_ONCE, GROUPS
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from tests.workflows_app.approvals.rows import make_question
from tests.workflows_app.rest.rows import make_execution, make_many
from workflows_app.models import Execution, Status

from .rows import make_request, of_person, submit, text, visit

OWN = "/o/acme/requests"
ALL = "/o/acme/requests/all"


def test_a_requester_sees_the_own_requests_by_the_names_of_their_forms(
    acme: OrganizationRecord, globex: OrganizationRecord, grace: User
) -> None:
    make_request(acme, grace, "Order a device")
    make_request(acme, make_user(acme, "requester"), "Somebody else's")
    make_request(globex, grace, "Another organization's")
    seen = text(visit(grace).get(OWN))
    assert "Order a device" in seen and "Done" in seen
    for foreign in ("Somebody else's", "Another organization's", "request_equipment", "Success"):
        assert foreign not in seen


def test_what_no_form_started_has_a_name_for_people_too(acme: OrganizationRecord, grace: User) -> None:
    make_execution(acme, workflow="offboard_user", status="CompletedWithErrors", **of_person(grace))
    seen = text(visit(grace).get(OWN))
    assert "Offboard user" in seen and "offboard_user" not in seen
    assert "Done, with problems" in seen and "CompletedWithErrors" not in seen


def test_the_organization_s_requests_are_for_those_who_may_see_them(
    acme: OrganizationRecord, grace: User, olga: User
) -> None:
    make_request(acme, grace)
    seen = text(visit(olga).get(ALL))
    assert "Order a device" in seen and "Grace" in seen
    assert "Order a device" not in text(visit(olga).get(OWN)) and ALL in visit(olga).get(OWN).content.decode()
    requester = visit(grace)
    assert requester.get(ALL).status_code == 403 and ALL not in requester.get(OWN).content.decode()


def test_a_request_is_one_line_however_many_executions_it_took(acme: OrganizationRecord, grace: User) -> None:
    parent = make_request(acme, grace, "With a child")
    make_execution(acme, workflow="a_child", parent=parent, **of_person(grace))
    last = make_execution(acme, workflow="goes_on", **of_person(grace))
    make_execution(acme, workflow="goes_on_before", continued_as=last, chain=last, **of_person(grace))
    seen = text(visit(grace).get(OWN))
    assert "With a child" in seen and "A child" not in seen
    assert "Goes on" in seen and "Goes on before" not in seen


@pytest.mark.parametrize(
    ("group", "statuses"),
    [
        ("open", {"Queued", "Running", "Suspended"}),
        ("approval", {"PendingApproval", "asks"}),
        ("done", {"Success", "CompletedWithErrors"}),
        ("failed", {"Failed", "Compensated"}),
        ("stopped", {"Cancelled", "Rejected"}),
        ("nonsense", {*Status.values, "asks"}),
    ],
)
def test_it_is_narrowed_by_status_in_people_s_words(
    acme: OrganizationRecord, olga: User, group: str, statuses: set[str]
) -> None:
    for status in Status.values:
        make_execution(acme, workflow=f"of_{status}", status=status)
    asking = make_question(acme)
    with org_context(acme):
        Execution.objects.filter(id=asking.execution_id).update(workflow="of_asks")
    page = visit(olga).get(f"{ALL}?status={group}").content.decode()
    assert set(re.findall(r">Of (\w+)</a>", page)) == statuses


def test_every_group_can_be_chosen(acme: OrganizationRecord, olga: User) -> None:
    page = visit(olga).get(f"{ALL}?status=done").content.decode()
    assert all(f'<option value="{group}"' in page for group in GROUPS)
    assert '<option value="done" selected>' in page


def test_one_is_found_by_the_name_of_its_form_and_by_its_reference(acme: OrganizationRecord, grace: User) -> None:
    device, badge = make_request(acme, grace, "Order a device"), make_request(acme, grace, "New badge: 100%")
    make_execution(acme, workflow="order_nothing", **of_person(grace))
    client = visit(grace)

    def found(words: str) -> list[str]:
        return re.findall(
            r'<th scope="row"><a href="[^"]*">([^<]*)</a>', client.get(OWN, {"q": words}).content.decode()
        )

    assert found("BADGE") == ["New badge: 100%"] and found("100%") == ["New badge: 100%"]
    assert found("order") == ["Order nothing", "Order a device"]
    assert found(str(device)[-8:].upper()) == ["Order a device"] and found(str(badge)[-8:]) == ["New badge: 100%"]
    assert found("request_equipment") == [], "nobody knows it by that name"
    assert found("%") == ["New badge: 100%"] and found("nothing like this") == []
    assert found("a\0b") == [] and found("' OR 1=1 --") == []


def test_another_person_s_reference_finds_nothing(acme: OrganizationRecord, grace: User) -> None:
    other = make_request(acme, make_user(acme, "requester"))
    assert "Nothing found" in text(visit(grace).get(OWN, {"q": str(other)[-8:]}))


def test_pages_follow_one_another_and_keep_what_was_looked_for(acme: OrganizationRecord, grace: User) -> None:
    for number in range(AT_ONCE * 2 + 1):
        make_execution(acme, id=uuid7(), workflow=f"no_{number}", **of_person(grace))
    client, seen, path = visit(grace), [], f"{OWN}?status=done&q=no"
    while path:
        page = client.get(path).content.decode()
        seen += re.findall(r">No (\d+)</a>", page)
        onward = re.search(r'href="(\?[^"]*)" rel="next"', page)
        path = OWN + onward[1].replace("&amp;", "&") if onward else ""
        assert not path or ("status=done" in path and "q=no" in path)
    assert seen == [str(number) for number in reversed(range(AT_ONCE * 2 + 1))]


def test_a_bad_place_is_the_beginning(acme: OrganizationRecord, grace: User) -> None:
    make_request(acme, grace)
    assert "Order a device" in text(visit(grace).get(f"{OWN}?cursor=nonsense"))


def test_names_are_text(acme: OrganizationRecord, grace: User) -> None:
    make_request(acme, grace, "<script>alert(1)</script>")
    client = visit(grace)
    for path in (OWN, f"{OWN}?q=<script>alert(1)"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_who_has_asked_for_nothing_is_told_what_will_be_here(acme: OrganizationRecord, grace: User) -> None:
    assert "No requests yet" in text(visit(grace).get(OWN))


def queries_of(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return sum("_app_" in query["sql"] for query in captured)


@pytest.mark.parametrize("path", [OWN, ALL, f"{ALL}?status=approval", f"{ALL}?q=workflow"])
def test_the_number_of_queries_does_not_grow(acme: OrganizationRecord, olga: User, path: str) -> None:
    make_request(acme, olga, "A workflow")
    client = visit(olga)
    few = queries_of(client, path)
    for _ in range(30):
        make_request(acme, olga)
    make_many(acme, 2_000)
    assert queries_of(client, path) == few


def test_the_newest_are_found_without_sorting_all(acme: OrganizationRecord, grace: User) -> None:
    """Of many requests a page reads few: an index gives their order."""
    make_many(acme, 5_000)
    with org_context(acme):
        mine = [str(id_) for id_ in Execution.objects.values_list("id", flat=True)[:3]]
        Execution.objects.filter(id__in=mine).update(**of_person(grace))
    for id_ in mine:
        submit(acme, UUID(id_), grace)
    with CaptureQueriesContext(connection) as captured:
        visit(grace).get(OWN)
    [statement] = [query["sql"] for query in captured if 'FROM "workflows_app_execution" WHERE' in query["sql"]]
    with org_context(acme), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "execution_actor" in plan and "Seq Scan on workflows_app_execution" not in plan, plan
