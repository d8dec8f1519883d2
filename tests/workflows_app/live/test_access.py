"""Who may watch an execution, and what everybody else is told."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.test import Client
from uuid6 import uuid7

from orgs.models import Domain
from orgs.permissions import EXECUTE_WORKFLOWS, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from tests.factories import change, make_token, make_user
from tests.workflows_app.live.conftest import Listen
from tests.workflows_app.live.listening import Served, cookies_of, running


def test_whoever_may_see_the_execution_is_told_of_it(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    stream = listen(served, running(acme, lines=3))

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert "content-length" not in stream.headers
    assert stream.next() == ("change", {"seq": 3, "status": "Running"})


@pytest.mark.parametrize("which", ["of another organization", "of nobody", "no id at all"])
def test_an_execution_that_is_not_the_organizations_is_not_found(
    served: Served, listen: Listen, acme: OrganizationRecord, globex: OrganizationRecord, which: str
) -> None:
    execution = {"of another organization": running(globex), "of nobody": uuid7(), "no id at all": "123"}[which]

    answer = listen(served, execution)

    assert (answer.status, json.loads(answer.body)["message"]) == (404, "There is no such execution.")


def test_another_organizations_address_is_refused_like_one_that_does_not_exist(
    served: Served, listen: Listen, globex: OrganizationRecord
) -> None:
    execution = running(globex)

    existing = listen(served, execution, organization=globex)
    unknown = listen(served, execution, organization=type("", (), {"org_id": "nobody"}))

    assert (existing.status, existing.body) == (unknown.status, unknown.body)
    assert existing.status == 403


def test_a_requester_watches_what_is_their_own_and_nothing_else(
    served: Served, listen: Listen, acme: OrganizationRecord
) -> None:
    requester = make_user(acme, "requester")
    cookies = cookies_of(requester)
    own = running(acme, actor=f"user:{requester.id}")

    assert listen(served, own, cookies=cookies).next() == ("change", {"seq": 2, "status": "Running"})
    assert listen(served, running(acme), cookies=cookies).status == 404


def test_who_has_not_signed_in_is_401_and_not_sent_to_a_page(
    served: Served, listen: Listen, acme: OrganizationRecord
) -> None:
    execution = running(acme)

    assert [listen(served, execution, cookies=each).status for each in ({}, {"sessionid": "forged"})] == [401, 401]


def test_a_token_opens_it_as_well(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    execution = running(acme)
    may, may_not = (make_token(acme, (name,)) for name in (VIEW_EXECUTIONS, EXECUTE_WORKFLOWS))

    assert listen(served, execution, cookies={}, Authorization=f"Bearer {may}").status == 200
    assert listen(served, execution, cookies={}, Authorization=f"Bearer {may_not}").status == 403
    assert listen(served, execution, cookies={}, Authorization="Bearer bif_unknown").status == 401


def test_a_suspended_organization_shows_nothing(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    execution = running(acme)
    change(acme, status="suspended")

    assert listen(served, execution).status == 403


def test_staff_watch_in_the_organizations_of_their_scope(
    served: Served, listen: Listen, acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    cookies = cookies_of(make_user(msp, "technician", organizations=(acme,)))
    here, there = running(acme), running(globex)

    assert listen(served, here, cookies=cookies).status == 200
    assert listen(served, here, cookies=cookies, organization=globex).status == 404
    assert listen(served, there, cookies=cookies, organization=globex).status == 404


def test_at_the_organizations_own_host(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    Domain.objects.create(tenant_id=acme.id, domain="acme.localhost")
    execution = running(acme)

    class AtHost:
        @staticmethod
        def path(organization: OrganizationRecord, id_: object, query: str) -> str:
            return f"http://{served.address}/live/executions/{id_}{query}"

    assert listen(AtHost, execution, Host="acme.localhost").next() == ("change", {"seq": 2, "status": "Running"})
    assert listen(AtHost, execution).status == 404  # at the platform's own host there is no such page


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=1&after=2", "?before=1"])
def test_what_cannot_be_meant_is_refused(served: Served, listen: Listen, acme: OrganizationRecord, query: str) -> None:
    assert listen(served, running(acme), query).status == 400


def test_nothing_but_reading_is_possible(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    client = Client()
    client.force_login(make_user(acme))
    path = f"/o/acme/live/executions/{running(acme)}"

    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_without_streams_the_answer_is_what_is_new_and_ends(served: Served, acme: OrganizationRecord) -> None:
    """As under a plain WSGI server: the browser comes again after the time that it is told."""
    client = Client()
    client.force_login(make_user(acme))
    execution = running(acme, lines=2)

    said = [client.get(f"/o/acme/live/executions/{execution}?after={after}").content.decode() for after in (1, 2)]

    assert said == [
        'retry: 2000\n\nevent: change\nid: 2\ndata: {"seq": 2, "status": "Running"}\n\n',
        "retry: 2000\n\n",
    ]


def test_a_forged_pass_opens_nothing(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    forged = {"bifrost.live": "x", "Bifrost-Live": "x"}

    assert listen(served, running(acme), cookies={}, **forged).status == 401
    assert listen(served, uuid4(), **forged).status == 404
