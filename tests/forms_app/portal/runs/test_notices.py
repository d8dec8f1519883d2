"""The notes to a person, in the portal."""

from __future__ import annotations

import re
from uuid import uuid4

from django.test import Client

from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from tests.factories import make_user
from workflows_app.alerts.notices import Note, Recipient, leave
from workflows_app.alerts.queries import count_unread, list_notices

from .rows import make_request, text, visit

PAGE = "/o/acme/notices"


def actor_of(person: User) -> Actor:
    return Actor("user", str(person.id), person.email, person.name, frozenset())


def leave_one(organization: OrganizationRecord, person: User, subject: str, message: str = "m", **note: object) -> str:
    """The id of the notice."""
    leave(organization, str(uuid4()), Note(subject, message, **note), [Recipient.of(actor_of(person))])  # type: ignore[arg-type]
    return str(list_notices(organization, actor_of(person), 1)["results"][0]["noticeId"])


def test_one_sees_the_own_notices_newest_first(
    acme: OrganizationRecord, globex: OrganizationRecord, grace: User
) -> None:
    execution = make_request(acme, grace)
    leave_one(acme, grace, "The first", "See https://desk.example/7 <b>now</b>\nplease", execution=execution)
    leave_one(acme, grace, "The second")
    leave_one(acme, make_user(acme, "requester"), "Somebody else's")
    leave_one(globex, grace, "Another organization's")
    page = visit(grace).get(PAGE)
    body, seen = page.content.decode(), text(page)
    assert seen.index("The second") < seen.index("The first") and "Order a device" in seen
    assert "Somebody else's" not in seen and "Another organization's" not in seen
    assert 'href="https://desk.example/7"' in body and "<b>now" not in body and "<br>please" in body
    assert f"/o/acme/requests/{execution}" in body


def test_they_are_read_by_saying_so_and_not_by_looking(acme: OrganizationRecord, grace: User) -> None:
    first, _ = leave_one(acme, grace, "The first"), leave_one(acme, grace, "The second")
    client = visit(grace)
    assert client.get(f"{PAGE}/{first}/read").status_code == 405 and client.get(f"{PAGE}/read").status_code == 405
    client.get(PAGE)
    assert count_unread(acme, actor_of(grace)) == 2
    assert client.post(f"{PAGE}/{first}/read").headers["Location"] == PAGE
    assert count_unread(acme, actor_of(grace)) == 1
    new = text(client.get(f"{PAGE}?show=new"))
    assert "The second" in new and "The first" not in new
    assert client.post(f"{PAGE}/read").headers["Location"] == PAGE
    assert count_unread(acme, actor_of(grace)) == 0
    assert "Nothing new" in text(client.get(f"{PAGE}?show=new")) and "The first" in text(client.get(PAGE))
    assert "I have read" not in text(client.get(PAGE))


def test_nobody_reads_another_s(acme: OrganizationRecord, globex: OrganizationRecord, grace: User, olga: User) -> None:
    own, foreign = leave_one(acme, grace, "Hers"), leave_one(globex, olga, "Foreign")
    client = visit(olga)
    answers = [client.post(f"{PAGE}/{id_}/read") for id_ in (own, foreign, uuid4())]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    client.post(f"{PAGE}/read")
    assert count_unread(acme, actor_of(grace)) == 1 and count_unread(globex, actor_of(olga)) == 1


def test_saying_so_needs_its_csrf_token(acme: OrganizationRecord, grace: User) -> None:
    notice = leave_one(acme, grace, "The first")
    client = Client(enforce_csrf_checks=True)
    client.force_login(grace)
    assert client.post(f"{PAGE}/{notice}/read").status_code == 403 and client.post(f"{PAGE}/read").status_code == 403
    assert count_unread(acme, actor_of(grace)) == 1


def test_many_are_paged(acme: OrganizationRecord, grace: User) -> None:
    for number in range(27):
        leave_one(acme, grace, f"No {number}.")
    client = visit(grace)
    page = client.get(f"{PAGE}?show=new").content.decode()
    onward = re.search(r'href="(\?[^"]*)" rel="next"', page)
    assert onward is not None and "No 26." in page and "No 1." not in page
    rest = text(client.get(PAGE + onward[1].replace("&amp;", "&")))
    assert "No 1." in rest and "No 0." in rest


def test_who_has_none_is_told_what_will_be_here(acme: OrganizationRecord, grace: User) -> None:
    assert "No notices yet" in text(visit(grace).get(PAGE))


def test_one_that_asks_for_an_approval_leads_there(acme: OrganizationRecord, olga: User) -> None:
    execution, approval = uuid4(), uuid4()
    leave_one(acme, olga, "To approve: New laptop", execution=execution, about="approval", approval=approval)
    body = visit(olga).get(PAGE).content.decode()
    assert f'href="/o/acme/approvals/{approval}"' in body and str(execution) not in body


def test_one_about_a_request_leads_to_it(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace)
    leave_one(acme, grace, "Done: Order a device", execution=execution, about="request", workflow="request_equipment")
    body = visit(grace).get(PAGE).content.decode()
    assert f'href="/o/acme/requests/{execution}">Order a device<' in body
