"""Who may decide, what becomes of the execution, and that it happens once."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections

from bifrost.sdk.errors import PermissionError, ValidationError
from orgs.permissions import APPROVE, EVERYTHING, VIEW_EXECUTIONS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context
from tests.factories import make_actor
from workflows_app.approvals.deciding import decide
from workflows_app.approvals.withdrawing import withdraw
from workflows_app.dispatch import hints
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.errors import AlreadyDecided, UnknownApproval
from workflows_app.models import Approval, Status

from .rows import execution_of, journal, make_approval, queued, reread

ADA = make_actor(APPROVE)


@pytest.fixture
def pending(acme: OrganizationRecord) -> Approval:
    return make_approval(acme)


def test_an_approved_execution_is_queued_and_due_at_once(
    acme: OrganizationRecord, pending: Approval, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bool] = []
    monkeypatch.setattr(hints, "send", lambda: sent.append(True))
    decide(acme, pending.id, ADA, approve=True, comment=" Go ahead ")
    assert execution_of(acme, pending).status == Status.QUEUED and queued(pending) == Status.QUEUED
    with shared_context():
        row = Dispatch.objects.get(execution=pending.execution_id)
    assert row.run_at == row.queued_at < pending.expires_at
    assert sent
    # The journal says who.
    said = {"reason": "approved by Ada", "comment": "Go ahead", "decidedBy": "user:user-1"}
    assert journal(acme, pending.execution_id)[-1] == (2, "status", "Queued", said)
    # So does the approval.
    found = reread(acme, pending)
    assert (found.state, found.comment) == ("approved", "Go ahead") and found.decided_at is not None
    assert found.decided_by == {"kind": "user", "id": "user-1", "email": "ada@example.com", "name": "Ada"}


def test_a_rejected_execution_ends(acme: OrganizationRecord, pending: Approval) -> None:
    decide(acme, pending.id, ADA, approve=False, comment="Too risky")
    ended = execution_of(acme, pending)
    assert ended.status == Status.REJECTED and ended.completed_at is not None
    assert ended.error == {"error": "Rejected", "message": "Rejected by Ada: Too risky", "details": {}}
    # It moved from the run queue to the fleet.
    assert queued(pending) is None
    with shared_context():
        assert Fleet.objects.get(execution=pending.execution_id).status == Status.REJECTED
    assert [line[:3] for line in journal(acme, pending.execution_id)] == [
        (1, "status", "PendingApproval"),
        (2, "error", "Rejected"),
        (3, "status", "Rejected"),
    ]
    assert reread(acme, pending).state == "rejected"


def test_a_rejection_needs_no_comment(acme: OrganizationRecord, pending: Approval) -> None:
    decide(acme, pending.id, ADA, approve=False)
    error = execution_of(acme, pending).error
    assert error is not None and error["message"] == "Rejected by Ada"


@pytest.mark.parametrize(
    "requester",
    [
        make_actor(EVERYTHING),
        Actor("token", "019aa4d2", "", "CI", frozenset({APPROVE}), token_name="CI"),
    ],
)
@pytest.mark.parametrize("approve", [True, False])
def test_nobody_decides_the_own_request(acme: OrganizationRecord, requester: Actor, approve: bool) -> None:
    made = make_approval(acme, requester=f"{requester.kind}:{requester.id}")
    with pytest.raises(PermissionError, match="somebody else has to decide"):
        decide(acme, made.id, requester, approve=approve)
    assert reread(acme, made).state == "pending" and queued(made) == Status.PENDING_APPROVAL


def test_nor_by_a_token_of_one_s_own(acme: OrganizationRecord) -> None:
    made = make_approval(acme, requester="user:grace")
    graces = Actor("token", "019aa4d3", "Grace@example.com", "mine", frozenset({APPROVE}), token_name="mine")
    with pytest.raises(PermissionError, match="somebody else has to decide"):
        decide(acme, made.id, graces, approve=True)
    assert reread(acme, made).state == "pending"


def test_deciding_needs_the_permission_that_the_approval_names(acme: OrganizationRecord) -> None:
    made = make_approval(acme, permission="canMoveMoney")
    for actor in (make_actor(VIEW_EXECUTIONS), make_actor(APPROVE)):
        with pytest.raises(PermissionError, match="canMoveMoney"):
            decide(acme, made.id, actor, approve=True)
    decide(acme, made.id, make_actor("canMoveMoney"), approve=True)
    assert reread(acme, made).state == "approved"


def test_another_organizations_approval_does_not_exist(
    acme: OrganizationRecord, globex: OrganizationRecord, pending: Approval
) -> None:
    with pytest.raises(UnknownApproval):
        decide(globex, pending.id, ADA, approve=True)
    assert reread(acme, pending).state == "pending"


@pytest.mark.parametrize("second", [True, False])
def test_a_second_decision_is_told_who_was_first_and_when(
    acme: OrganizationRecord, pending: Approval, second: bool
) -> None:
    decide(acme, pending.id, ADA, approve=True)
    with pytest.raises(AlreadyDecided) as refused:
        decide(acme, pending.id, make_actor(APPROVE, kind="token", name="CI"), approve=second)
    assert re.search(r"already approved by Ada at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.", refused.value.message)
    details = refused.value.details
    assert (details["state"], details["decidedBy"]) == ("approved", "Ada")
    assert details["decidedAt"] in refused.value.message
    assert queued(pending) == Status.QUEUED


def test_a_decision_that_comes_too_late_is_none(acme: OrganizationRecord) -> None:
    made = make_approval(acme, expires_in=timedelta(seconds=-1))
    with pytest.raises(AlreadyDecided, match="already expired at"):
        decide(acme, made.id, ADA, approve=True)
    assert execution_of(acme, made).status == Status.PENDING_APPROVAL


def test_what_was_cancelled_cannot_be_approved(acme: OrganizationRecord, pending: Approval) -> None:
    assert withdraw(acme, pending.execution_id, make_actor(name="Grace"))
    with shared_context():
        Dispatch.objects.filter(execution=pending.execution_id).delete()
    with pytest.raises(AlreadyDecided, match="already withdrawn by Grace at"):
        decide(acme, pending.id, ADA, approve=True)
    assert not withdraw(acme, pending.execution_id, make_actor())


def test_where_the_execution_went_on_without_its_approval_there_is_nothing_to_decide(
    acme: OrganizationRecord, pending: Approval
) -> None:
    with shared_context():
        Dispatch.objects.filter(execution=pending.execution_id).delete()
    with pytest.raises(AlreadyDecided, match="waits for no approval any more"):
        decide(acme, pending.id, ADA, approve=True)


@pytest.mark.parametrize("comment", ["x" * 2_001, "a\0b", 7])
def test_a_comment_is_text_of_bounded_length(acme: OrganizationRecord, pending: Approval, comment: str) -> None:
    with pytest.raises(ValidationError, match="comment has to be text"):
        decide(acme, pending.id, ADA, approve=True, comment=comment)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_one_wins(transactional_db: None, acme: OrganizationRecord) -> None:
    made = make_approval(acme)
    start, answers, lock = threading.Barrier(20), [], threading.Lock()

    def person(number: int) -> None:
        actor = make_actor(APPROVE, kind=f"user{number}", name=f"Person {number}")
        start.wait()
        try:
            decide(acme, made.id, actor, approve=number % 2 == 0, comment=f"comment {number}")
            answer: Exception | int = number
        except Exception as refused:  # noqa: BLE001  every kind is looked at below
            answer = refused
        finally:
            connections.close_all()
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=person, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    winners = [answer for answer in answers if isinstance(answer, int)]
    losers = [answer for answer in answers if not isinstance(answer, int)]
    assert len(winners) == 1 and len(losers) == 19, answers
    # Each of the others hears the winner's name.
    state = "approved" if winners[0] % 2 == 0 else "rejected"
    assert all(isinstance(loser, AlreadyDecided) for loser in losers), losers
    assert {str(loser).partition(" at ")[0] for loser in losers} == {f"This was already {state} by Person {winners[0]}"}
    found = reread(acme, made)
    assert found.state == state and found.comment == f"comment {winners[0]}"
    ended = execution_of(acme, made)
    assert ended.status == (Status.QUEUED if state == "approved" else Status.REJECTED)
    assert (queued(made) is None) is (state == "rejected")
    assert len(journal(acme, made.execution_id)) == (2 if state == "approved" else 3)
