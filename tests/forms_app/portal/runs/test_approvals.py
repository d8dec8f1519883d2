"""The inbox of approvals and the page on which one decides."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bifrost.sdk.forms import Form
from integrations.sealing import unseal
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.approvals.rows import entries, execution_of, make_approval, make_question, reread
from tests.workflows_app.approvals.test_questions import make_hidden
from workflows_app.approvals.deciding import decide
from workflows_app.approvals.inbox import Box, count_waiting, list_box
from workflows_app.models import Approval

from .rows import asked_by, text, visit
from .rows import submit as submit_form

BOX = "/o/acme/approvals"
PAGE = "/o/acme/approvals/{}"


# --- the inbox --------------------------------------------------------------------------------------------------------


def test_what_waits_for_one_is_there_with_its_number(
    acme: OrganizationRecord, globex: OrganizationRecord, grace: User, olga: User
) -> None:
    approval = asked_by(acme, grace, make_approval(acme, workflow="remove_user"))
    submit_form(acme, approval.execution_id, grace, "Remove somebody")
    make_question(acme, title="Pay the invoice")
    make_question(acme, title="Over", expires_in=timedelta(seconds=-1))
    make_question(acme, title="Of others", permission="", approvers=["x@acme.example"])
    make_approval(globex, workflow="of_globex")
    asked_by(acme, olga, make_question(acme, title="Her own"))
    page = visit(olga).get(BOX)
    seen = text(page)
    assert "Remove somebody" in seen and "Pay the invoice" in seen and "Asked by Grace" in seen
    for other in ("Over", "Of others", "globex", "Her own", "remove_user", "Run "):
        assert other not in seen
    assert '<span class="count">2</span>' in page.content.decode()


def test_a_requester_sees_what_one_has_asked_for_and_nothing_to_decide(acme: OrganizationRecord, grace: User) -> None:
    asked_by(acme, grace, make_question(acme, title="Pay mine"))
    make_question(acme, title="Pay theirs")
    assert "Nothing waits for you" in text(visit(grace).get(BOX))
    seen = text(visit(grace).get(f"{BOX}?show=own"))
    assert "Pay mine" in seen and "Waiting" in seen and "Pay theirs" not in seen


def test_what_was_decided_is_kept_apart(acme: OrganizationRecord, olga: User) -> None:
    decided = make_question(acme, title="Pay it", state="approved", decided_by={"name": "Ada"})
    make_question(acme, title="Still waits")
    seen = text(visit(olga).get(f"{BOX}?show=decided"))
    assert "Pay it" in seen and "Approved Ada" in seen and "Still waits" not in seen
    assert "Pay it" not in text(visit(olga).get(f"{BOX}?show=nonsense")), "which is what waits"
    assert reread(acme, decided).state == "approved"


def test_the_inbox_is_paged_in_a_bounded_number_of_queries(acme: OrganizationRecord, olga: User) -> None:
    client = visit(olga)

    def queries() -> int:
        client.get(BOX)
        with CaptureQueriesContext(connection) as captured:
            client.get(BOX)
        return sum("_app_" in query["sql"] for query in captured)

    make_question(acme, title="No 0.")
    few = queries()
    for number in range(1, 30):
        make_question(acme, title=f"No {number}.")
    assert queries() == few
    page = client.get(BOX).content.decode()
    onward = re.search(r'href="(\?[^"]*)" rel="next"', page)
    assert onward is not None and "No 29." in page and "No 4." not in page
    rest = client.get(BOX + onward[1].replace("&amp;", "&")).content.decode()
    assert "No 4." in rest and "No 0." in rest and 'rel="next"' not in rest


def test_its_number_says_what_can_be_decided(acme: OrganizationRecord, olga: User) -> None:
    actor = Actor("user", str(olga.id), olga.email, "Olga", frozenset({"canApprove"}))
    make_question(acme)
    asked_by(acme, olga, make_question(acme))
    decide(acme, make_question(acme).id, actor, approve=True)
    assert count_waiting(acme, actor) == 1
    assert [len(list_box(acme, actor, box, 10)["results"]) for box in Box] == [1, 1, 1]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_it_shows_who_asks_and_all_values_under_the_form_s_labels(
    acme: OrganizationRecord, start: Approval, olga: User
) -> None:
    page = visit(olga).get(PAGE.format(start.id))
    seen = text(page)
    for told in ("Order a device", "Grace", "grace@acme.example", "Which device Laptop", "Price 250", "left)"):
        assert told in seen
    assert "request_equipment" not in seen and "hunter22" not in page.content.decode()
    assert f"/o/acme/requests/{start.execution_id}" in page.content.decode()


@pytest.mark.parametrize("query", ["", "?decision=approve", "?decision=reject"])
def test_a_get_decides_nothing(acme: OrganizationRecord, start: Approval, olga: User, query: str) -> None:
    assert visit(olga).get(PAGE.format(start.id) + query).status_code == 200
    assert reread(acme, start).state == "pending"


@pytest.mark.parametrize(
    ("decision", "state", "word"), [("approve", "approved", "Approved"), ("reject", "rejected", "Not approved")]
)
def test_its_form_decides(
    acme: OrganizationRecord, start: Approval, olga: User, decision: str, state: str, word: str
) -> None:
    client = visit(olga)
    answer = client.post(PAGE.format(start.id), {"decision": decision, "comment": "Because <b>"})
    assert answer.status_code == 302 and answer.headers["Location"] == PAGE.format(start.id)
    page = client.get(PAGE.format(start.id))
    assert word in text(page) and "Decided by Olga" in text(page) and "Because &lt;b&gt;" in page.content.decode()
    assert 'name="decision"' not in page.content.decode()
    assert reread(acme, start).state == state and execution_of(acme, start).approved_input is None


def test_one_edits_and_approves_and_both_versions_are_kept(
    acme: OrganizationRecord, start: Approval, olga: User, grace: User
) -> None:
    client = visit(olga)
    body = client.get(PAGE.format(start.id)).content.decode()
    assert 'name="v.amount" id="i-v-amount" value="250"' in body and ">Price\n</label>" in body
    assert '<option value="lap" selected>Laptop</option>' in body and 'role="switch"' in body
    assert "Left empty, it stays as it is." in body, "the pin"
    typed = {"v.device": "tab", "v.amount": "200", "v.pin": "", "decision": "approve"}
    assert client.post(PAGE.format(start.id), typed).status_code == 302
    row = execution_of(acme, start)
    assert (row.input["amount"], row.approved_input["amount"], row.approved_input["device"]) == (250, 200, "tab")
    shown, sealed = row.ran_input
    exact = shown if sealed is None else unseal(acme, sealed)
    assert exact == {"device": "tab", "amount": 200, "urgent": False, "pin": "hunter22"}
    for page in (client.get(PAGE.format(start.id)), visit(grace).get(PAGE.format(start.id))):
        assert "Price Asked for: 250 Approved as 200" in text(page)
        assert "Which device Asked for: Laptop Approved as Tablet" in text(page)
    assert "Approved as 200" in text(visit(grace).get(f"/o/acme/requests/{start.execution_id}"))


def test_values_that_are_wrong_are_shown_again_with_what_is_wrong(
    acme: OrganizationRecord, start: Approval, olga: User
) -> None:
    typed = {"v.amount": "900", "v.device": "tab", "decision": "approve", "comment": "kept"}
    answer = visit(olga).post(PAGE.format(start.id), typed)
    body, seen = answer.content.decode(), text(answer, 400)
    assert "something has to be corrected" in seen and "must be at most 500" in seen
    assert '<a href="#i-v-amount"><strong>Price</strong>' in body and 'aria-invalid="true"' in body
    assert 'aria-describedby="i-v-amount-error"' in body and '<option value="tab" selected>' in body
    assert 'value="900"' in body and ">kept</textarea>" in body
    assert reread(acme, start).state == "pending"


@pytest.mark.parametrize("typed", [{}, {"decision": "other"}, {"decision": "approve", "comment": "x" * 2_001}])
def test_what_is_incomplete_decides_nothing(
    acme: OrganizationRecord, start: Approval, olga: User, typed: dict[str, str]
) -> None:
    assert visit(olga).post(PAGE.format(start.id), typed).status_code == 400
    assert reread(acme, start).state == "pending"


def test_a_question_in_the_middle_shows_its_message_and_its_fields(
    acme: OrganizationRecord, grace: User, olga: User
) -> None:
    fields = {
        "amount": 250,
        "sure": False,
        "kind": {"type": "string", "validation": {"enum": ["a", "b"]}, "default": "b"},
        "pin": {"type": "secret", "label": "The pin"},
    }
    made = asked_by(acme, grace, make_question(acme, message="It is\ndue.", form=Form.declared(fields).as_json()))
    client = visit(olga)
    page = client.get(PAGE.format(made.id))
    body = page.content.decode()
    assert "Pay the invoice" in text(page) and "It is<br>due." in body
    assert '<option value="b" selected>' in body and 'type="checkbox"' in body and 'type="password"' in body
    typed = {"v.amount": "9", "v.sure": "true", "v.kind": "b", "v.pin": "4711-1", "decision": "approve"}
    assert client.post(PAGE.format(made.id), typed).status_code == 302
    assert entries(acme, made)[0][2]["state"] == "approved"
    seen = text(client.get(PAGE.format(made.id)))
    assert "What was approved Amount 9 Sure Yes Kind b The pin Hidden" in seen and "4711" not in seen


def test_secrets_are_not_in_the_page_and_stay_as_they_are(acme: OrganizationRecord, olga: User) -> None:
    made = make_hidden(acme)
    client = visit(olga)
    assert "before-" not in client.get(PAGE.format(made.id)).content.decode()
    user = '{"name": "Bo", "password": "REDACTED"}'
    client.post(PAGE.format(made.id), {"v.user": user, "v.code": "", "v.plain": "x", "decision": "approve"})
    kept = unseal(acme, bytes(reread(acme, made).values_sealed or b""))
    assert kept == {"user": {"name": "Bo", "password": "before-1"}, "code": "before-2", "plain": "x"}


def test_what_was_decided_before_stands_below(acme: OrganizationRecord, olga: User) -> None:
    made = make_question(acme)
    with org_context(acme):
        Approval.objects.create(
            execution_id=made.execution_id,
            workflow="pay",
            kind="step",
            key="earlier",
            title="Order it first",
            state="approved",
            requested_by=made.requested_by,
            requester=made.requester,
            permission=made.permission,
            comment="Fine",
            decided_at=timezone.now(),
            decided_by={"kind": "user", "id": "x", "email": "", "name": "Ada"},
        )
    seen = text(visit(olga).get(PAGE.format(made.id)))
    assert "What was decided before Order it first Approved Ada" in seen and "Fine" in seen
