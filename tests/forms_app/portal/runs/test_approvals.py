"""The inbox of approvals and the page on which one decides."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bifrost.sdk.forms import Form
from forms_app.models import Submission
from integrations.sealing import unseal
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from tests.workflows_app.approvals.rows import entries, execution_of, make_approval, make_question, queued, reread
from tests.workflows_app.approvals.test_questions import make_hidden
from tests.workflows_app.rest.conftest import workspace as workspace  # noqa: PLC0414  a fixture
from workflows_app import catalog
from workflows_app.approvals.deciding import decide
from workflows_app.approvals.inbox import Box, count_waiting, list_box
from workflows_app.executions import Start, submit
from workflows_app.models import Approval, Execution

from .rows import of_person, text, visit
from .rows import submit as submit_form

BOX = "/o/acme/approvals"
PAGE = "/o/acme/approvals/{}"
SOURCE = """
from bifrost import param, workflow

@workflow(requires_approval=True)
@param("amount", "int", "In pounds", required=True, validation={"max": 500})
async def request_equipment(context, device: str, amount: int, urgent: bool = False, pin: str = ""):
    return amount
"""


def asked_by(acme: OrganizationRecord, person: User, approval: Approval) -> Approval:
    """The same, asked for by this person."""
    columns = of_person(person)
    with org_context(acme):
        Execution.objects.filter(id=approval.execution_id).update(**columns)
        Approval.objects.filter(id=approval.id).update(requester=columns["actor"], requested_by=columns["executed_by"])
    return approval


@pytest.fixture
def start(workspace: Path, acme: OrganizationRecord, grace: User) -> Approval:
    """Of a start that Grace has asked for by a form."""
    (workspace / "equipment.py").write_text(SOURCE)
    catalog.refresh()
    actor = Actor("user", str(grace.id), grace.email, "Grace", frozenset({"canExecuteWorkflows"}))
    values = {"device": "lap", "amount": 250, "pin": "hunter22"}
    outcome = submit(Start(acme, "request_equipment", values, actor))
    with org_context(acme):
        approval = Approval.objects.get(execution=outcome.execution_id)
    submit_form(acme, approval.execution_id, grace)
    return approval


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


# --- as the form asks -------------------------------------------------------------------------------------------------

PROVIDED = """
from bifrost import data_provider, param, workflow

@data_provider()
async def countries(context):
    return [{"label": "Norway", "value": "no"}, {"label": "Italy", "value": "it"}]

@data_provider()
async def towns(context, country):
    return [{"label": f"{name} ({country})", "value": name.lower()} for name in ("Oslo", "Bergen")]

@workflow(requires_approval=True)
@param("town", "string", data_provider="towns")
@param("country", "string", required=True, data_provider="countries")
@param("begins", "date")
async def move(context, country: str, town: str | None, begins, needs: list[str] = [], note: str = "none"):
    return town
"""
MOVING: list[dict[str, Any]] = [
    {"name": "country", "label": "Which country", "kind": "radio", "required": True, "provider": "countries"},
    {"name": "town", "label": "Which town", "kind": "choice", "provider": "towns", "inputs": {"country": "country"}},
    {"name": "begins", "label": "First day", "kind": "date"},
    {"name": "needs", "label": "What to prepare", "kind": "multiple_choice"}
    | {"choices": [{"value": "lap", "label": "Laptop"}, {"value": "desk", "label": "A desk"}]},
    {"name": "note", "label": "Note", "visibleWhen": {"field": "country", "is": "equals", "value": "no"}},
]


@pytest.fixture
def moving(workspace: Path, acme: OrganizationRecord, grace: User) -> Approval:
    """Of a start whose form has options of data providers."""
    (workspace / "moving.py").write_text(PROVIDED)
    catalog.refresh()
    actor = Actor("user", str(grace.id), grace.email, "Grace", frozenset({"canExecuteWorkflows"}))
    values = {"country": "no", "town": "oslo", "begins": "2026-12-03", "needs": ["lap"], "note": "soon"}
    outcome = submit(Start(acme, "move", values, actor))
    with org_context(acme):
        approval = Approval.objects.get(execution=outcome.execution_id)
    submit_form(acme, approval.execution_id, grace, "Move somebody", MOVING)
    labels = {"country": {"no": "Norway"}, "town": {"oslo": "Oslo (no)"}}
    with org_context(acme):
        Submission.objects.filter(execution=approval.execution_id).update(labels=labels)
    return approval


OPTIONS = PAGE + "/options/town"


def test_a_start_is_changed_by_its_own_form_with_its_options(
    acme: OrganizationRecord, moving: Approval, olga: User
) -> None:
    client = visit(olga)
    page = client.get(PAGE.format(moving.id))
    body, seen = page.content.decode(), text(page)
    assert "Which country Norway Which town Oslo (no) First day 3 December 2026 What to prepare Laptop" in seen
    assert f'hx-post="/o/acme/approvals/{moving.id}/options/town"' in body and "inputs/inputs.js" in body
    assert re.search(r'type="checkbox"[^>]*value="lap" checked', body) and 'type="date"' in body

    piece = client.post(OPTIONS.format(moving.id), {"v.country": "no", "v.town": "oslo"})
    assert piece.headers["X-Options"] == "true"
    assert '<option value="oslo" selected>Oslo (no)</option>' in piece.content.decode()
    other = client.post(OPTIONS.format(moving.id), {"v.country": "it", "v.town": "oslo"}).content.decode()
    assert "Bergen (it)" in other

    asked = ["v.country", "v.town", "v.begins", "v.needs"]
    typed = {"v.country": "it", "v.town": "bergen", "v.begins": "2026-12-03", "v.needs": ["lap", "desk"]}
    sent = {**typed, "-asked": asked, "decision": "approve"}
    assert client.post(PAGE.format(moving.id), sent).status_code == 302
    row = execution_of(acme, moving)
    given = {"country": "it", "town": "bergen", "begins": "2026-12-03", "needs": ["lap", "desk"]}
    assert row.approved_input == {**given, "note": "none"}, "what is not asked any more begins as the workflow says"
    seen = text(client.get(PAGE.format(moving.id)))
    assert "Asked for: Oslo (no) Approved as Bergen (it)" in seen and "Approved as Laptop A desk" in seen


def test_what_is_no_option_is_told_at_its_field(acme: OrganizationRecord, moving: Approval, olga: User) -> None:
    typed = {"v.country": "no", "v.town": "rome", "v.begins": "no day", "decision": "approve"}
    answer = visit(olga).post(PAGE.format(moving.id), typed)
    assert "must be a date" in text(answer, 400)
    answer = visit(olga).post(PAGE.format(moving.id), {**typed, "v.begins": "2026-12-04"})
    assert "is not among the options" in text(answer, 400) and 'href="#i-v-town"' in answer.content.decode()
    assert reread(acme, moving).state == "pending"


def test_a_button_that_changes_the_page_decides_nothing(acme: OrganizationRecord, moving: Approval, olga: User) -> None:
    pressed = {"-update": "true", "v.country": "it", "v.town": "bergen", "decision": "approve"}
    answer = visit(olga).post(PAGE.format(moving.id), pressed)
    assert "Bergen (it)" in text(answer) and 'value="bergen" selected' in answer.content.decode()
    assert reread(acme, moving).state == "pending"


def test_options_are_for_those_who_decide(
    acme: OrganizationRecord, globex: OrganizationRecord, moving: Approval, grace: User, olga: User
) -> None:
    foreign = make_question(globex)
    assert visit(grace).post(OPTIONS.format(moving.id), {"v.country": "no"}).status_code == 404, "asked for it herself"
    client = visit(olga)
    for id_ in (foreign.id, uuid4()):
        assert client.post(OPTIONS.format(id_), {"v.country": "no"}).status_code == 404
    assert client.post(PAGE.format(moving.id) + "/options/begins").status_code == 404, "it has none"
    assert client.post(PAGE.format(moving.id) + "/options/nothing").status_code == 404
    assert client.get(OPTIONS.format(moving.id)).status_code == 405


def test_a_start_without_a_form_is_changed_by_its_parameters(
    acme: OrganizationRecord, moving: Approval, olga: User
) -> None:
    with org_context(acme):
        Submission.objects.all().delete()
    body = visit(olga).get(PAGE.format(moving.id)).content.decode()
    assert ">\nlap</textarea>" in body and 'type="date"' in body and "/options/town" in body


# --- once, by the right one -------------------------------------------------------------------------------------------


def test_who_comes_second_is_told_who_was_first_and_a_second_click_is_none(
    acme: OrganizationRecord, start: Approval, olga: User
) -> None:
    page = PAGE.format(start.id)
    client = visit(olga)
    for _ in range(2):
        assert client.post(page, {"decision": "approve"}).status_code == 302, "the same once more"
    late = visit(make_user(acme, "admin")).post(page, {"decision": "approve"})
    assert "This was already approved by Olga at" in text(late, 409) and "Decided by Olga" in text(late, 409)
    changed = client.post(page, {"decision": "reject"})
    assert "This was already approved by Olga at" in text(changed, 409)
    assert reread(acme, start).state == "approved"


def test_after_its_time_nobody_decides(acme: OrganizationRecord, olga: User) -> None:
    made = make_question(acme, expires_in=timedelta(seconds=-1))
    answer = visit(olga).post(PAGE.format(made.id), {"decision": "approve"})
    assert "The time to decide this was over at" in text(answer, 409)
    assert entries(acme, made) == []


def test_nobody_decides_the_own_request(acme: OrganizationRecord) -> None:
    admin = make_user(acme, "admin")
    made = asked_by(acme, admin, make_question(acme))
    client = visit(admin)
    page = client.get(PAGE.format(made.id))
    assert "You asked for this yourself" in text(page) and 'name="decision"' not in page.content.decode()
    assert "You asked for this yourself" in text(client.post(PAGE.format(made.id), {"decision": "approve"}), 403)
    assert reread(acme, made).state == "pending"


def test_who_may_not_decide_it_does_not_find_it(
    acme: OrganizationRecord, globex: OrganizationRecord, grace: User, olga: User
) -> None:
    others = make_question(acme)
    named = make_question(acme, permission="", approvers=["x@acme.example"])
    foreign = make_question(globex)
    for person, ids in ((grace, (others.id, foreign.id, uuid4())), (olga, (named.id, foreign.id, uuid4()))):
        client = visit(person)
        asked = [client.get(PAGE.format(id_)) for id_ in ids]
        sent = [client.post(PAGE.format(id_), {"decision": "approve"}) for id_ in ids]
        assert {answer.status_code for answer in (*asked, *sent)} == {404}
        assert len({answer.content for answer in (*asked, *sent)}) == 1
    assert reread(globex, foreign).state == reread(acme, named).state == "pending"
    assert queued(foreign) == "Suspended"


def test_a_requester_who_was_named_decides_and_sees_no_more_than_that(acme: OrganizationRecord, grace: User) -> None:
    made = make_question(acme, permission="", approvers=["grace@acme.example"])
    client = visit(grace)
    page = client.get(PAGE.format(made.id))
    assert 'name="decision"' in page.content.decode() and "/o/acme/requests/" not in text(page)
    assert f"/requests/{made.execution_id}" not in page.content.decode(), "the request itself is not hers"
    assert client.post(PAGE.format(made.id), {"decision": "approve"}).status_code == 302
    assert reread(acme, made).state == "approved"


def test_a_decision_needs_its_csrf_token(acme: OrganizationRecord, olga: User) -> None:
    made = make_question(acme)
    client = Client(enforce_csrf_checks=True)
    client.force_login(olga)
    assert client.post(PAGE.format(made.id), {"decision": "approve"}).status_code == 403
    assert reread(acme, made).state == "pending"
    token = client.cookies["csrftoken"] = _get_new_csrf_string()
    typed: dict[str, Any] = {"decision": "approve", "csrfmiddlewaretoken": token}
    assert client.post(PAGE.format(made.id), typed).status_code == 302
