"""A call that proves itself starts one execution, in the background."""

from __future__ import annotations

import json
import threading
import time

import pytest
from django.db import connections

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.dispatch.models import Dispatch, Priority
from workflows_app.models import Approval, Execution, Status
from workflows_app.webhooks.deliveries import REPEATED

from .conftest import Sender, deliveries_of, executions_of, sender_of


def test_it_is_accepted_and_queued(sender: Sender, acme: OrganizationRecord) -> None:
    answer = sender.send({"ticket_id": "T-1", "priority": 1})
    assert answer.status_code == 202
    [execution], [delivery] = executions_of(acme), deliveries_of(acme)
    assert answer.json() == {
        "executionId": str(execution.id),
        "status": "Queued",
        "message": "Webhook received and queued for processing",
    }
    assert execution.input == {"ticket_id": "T-1", "priority": 1}
    assert execution.trigger == {"type": "webhook", "webhookDeliveryId": str(delivery.id)}
    assert execution.executed_by == {"kind": "webhook", "id": "on_ticket", "email": "", "name": "Webhook"}
    assert delivery.execution == execution.id and not delivery.problem
    with shared_context():
        row = Dispatch.objects.get(execution=execution.id)
    assert (row.status, row.priority) == (Status.QUEUED, Priority.NORMAL)


def test_a_sync_workflow_is_queued_as_well(acme: OrganizationRecord, sender: Sender) -> None:
    answer = sender_of(acme, "on_sale").send({"amount": 7})
    assert answer.status_code == 202 and answer.json()["status"] == "Queued"
    assert [execution.status for execution in executions_of(acme)] == [Status.QUEUED]


def test_one_that_needs_an_approval_waits_for_it(acme: OrganizationRecord, sender: Sender) -> None:
    hook = sender_of(acme, "on_payment")
    first = hook.send({"amount": 7}, **{"Webhook-Id": "p-1"})
    assert first.status_code == 202 and first.json()["status"] == "PendingApproval"
    assert first.json()["message"] == "Webhook received and waiting for approval"
    with org_context(acme):
        assert Approval.objects.get().requested_by["kind"] == "webhook"
    assert hook.send({"amount": 7}, **{"Webhook-Id": "p-1"}).json() == first.json()


@pytest.mark.parametrize("header", ["X-Webhook-Signature", "X-Hub-Signature-256"])
def test_a_signature_lets_in(sender: Sender, header: str) -> None:
    assert sender.signed(header=header).status_code == 202
    assert sender.signed(header=header, at=int(time.time())).status_code == 202
    assert sender.signed(header=header, at=int(time.time()) - 600).status_code == 400


def test_where_no_secret_is_required_none_is_needed(acme: OrganizationRecord, workspace: object) -> None:
    assert Sender("/webhooks/acme/open_door").plain({}).status_code == 202
    assert len(executions_of(acme)) == 1


def test_a_secret_opens_its_own_organizations_webhook_alone(
    sender: Sender, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    sender_of(globex)
    sender_of(acme, "on_sale")
    assert Sender("/webhooks/globex/on_ticket", sender.secret).send().status_code == 400
    assert Sender("/webhooks/acme/on_sale", sender.secret).send().status_code == 400
    assert not executions_of(acme) and not executions_of(globex)


def test_a_form_is_taken_and_its_texts_read(sender: Sender, acme: OrganizationRecord) -> None:
    body = b"ticket_id=T-1+%C3%BC&priority=2&surplus=x"
    assert sender.send(body, "application/x-www-form-urlencoded").status_code == 202
    assert executions_of(acme)[0].input == {"ticket_id": "T-1 ü", "priority": 2}
    assert deliveries_of(acme)[0].body == {"ticket_id": "T-1 ü", "priority": "2", "surplus": "x"}


def test_surplus_fields_are_dropped_and_kept_in_the_delivery(sender: Sender, acme: OrganizationRecord) -> None:
    assert sender.send({"ticket_id": "T-1", "vendor": {"version": 7}}).status_code == 202
    assert "vendor" not in executions_of(acme)[0].input
    assert deliveries_of(acme)[0].body == {"ticket_id": "T-1", "vendor": {"version": 7}}


# --- the same delivery --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Webhook-Delivery", "X-GitHub-Delivery", "Webhook-Id", "Idempotency-Key"])
def test_a_delivery_that_comes_again_starts_nothing_more(sender: Sender, acme: OrganizationRecord, header: str) -> None:
    answers = [sender.send(**{header: "d-1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.content for answer in answers}) == 1
    assert len(executions_of(acme)) == 1
    # Each call is kept, and says what it was.
    kept = deliveries_of(acme)
    assert [delivery.problem for delivery in kept] == ["", REPEATED, REPEATED]
    assert {delivery.delivery_id for delivery in kept} == {"d-1"}
    assert {delivery.execution for delivery in kept} == {executions_of(acme)[0].id}


@pytest.mark.parametrize("second", [{"ticket_id": "T-2"}, {"priority": "wrong"}, b"{"])
def test_the_first_body_under_an_id_wins(sender: Sender, acme: OrganizationRecord, second: object) -> None:
    first = sender.send({"ticket_id": "T-1"}, **{"Webhook-Id": "d-1"})
    assert sender.send(second, **{"Webhook-Id": "d-1"}).content == first.content
    assert [execution.input["ticket_id"] for execution in executions_of(acme)] == ["T-1"]


def test_what_a_repetition_hears_does_not_tell_how_the_run_went(sender: Sender, acme: OrganizationRecord) -> None:
    first = sender.send(**{"Webhook-Id": "d-1"})
    with org_context(acme):
        Execution.objects.update(status=Status.FAILED)
    assert sender.send(**{"Webhook-Id": "d-1"}).content == first.content


def test_a_refused_delivery_may_come_again_corrected(sender: Sender, acme: OrganizationRecord) -> None:
    assert sender.send({"priority": 1}, **{"Webhook-Id": "d-1"}).status_code == 400
    assert sender.send({"ticket_id": "T-1"}, **{"Webhook-Id": "d-1"}).status_code == 202
    assert len(executions_of(acme)) == 1


def test_ids_are_an_organizations_and_a_workflows_own(
    sender: Sender, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    hooks = (sender, sender_of(acme, "on_sale"), sender_of(globex))
    ids = {hook.send(**{"Webhook-Id": "d-1"}).json()["executionId"] for hook in hooks}
    assert len(ids) == 3


@pytest.mark.parametrize("given", ["", "x" * 256, "t\xe4g", " "])
def test_what_is_no_id_counts_as_none(sender: Sender, acme: OrganizationRecord, given: str) -> None:
    for _ in range(2):
        assert sender.send(**{"Webhook-Id": given}).status_code == 202
    assert len(executions_of(acme)) == 2
    assert all(delivery.delivery_id == str(delivery.id) for delivery in deliveries_of(acme))


def test_the_longest_id_is_one(sender: Sender, acme: OrganizationRecord) -> None:
    for id_ in ("x" * 255, "x" * 255, "x" * 254 + "y"):
        assert sender.send(**{"Webhook-Id": id_}).status_code == 202
    assert len(executions_of(acme)) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_body", [True, False])
def test_twenty_at_once_start_one(
    transactional_db: None, sender: Sender, acme: OrganizationRecord, same_body: bool
) -> None:
    begin, answers, lock = threading.Barrier(20), [], threading.Lock()

    def deliver(number: int) -> None:
        caller = Sender(sender.address, sender.secret)
        begin.wait()
        try:
            answer = caller.send({"ticket_id": "T-1" if same_body else f"T-{number}"}, **{"Webhook-Id": "d-1"})
        finally:
            connections.close_all()
        with lock:
            answers.append((answer.status_code, answer.content))

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [execution] = executions_of(acme)
    assert len(answers) == 20 and {code for code, _ in answers} == {202}
    assert {json.loads(content)["executionId"] for _, content in answers} == {str(execution.id)}
    kept = deliveries_of(acme)
    assert len(kept) == 20 and {delivery.execution for delivery in kept} == {execution.id}
    with shared_context():
        assert Dispatch.objects.count() == 1
