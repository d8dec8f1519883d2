"""What nobody decides in time is rejected, for all organizations in a bounded number of steps."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.factories import change
from workflows_app import maintenance
from workflows_app.approvals import expiring
from workflows_app.approvals.expiring import expire_due
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.models import Status

from .rows import execution_of, journal, make_approval, queued, reread

OVERDUE = timedelta(seconds=-1)


def test_the_overdue_of_every_organization_end_and_the_others_stay(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    overdue = [(acme, make_approval(acme, expires_in=OVERDUE)), (globex, make_approval(globex, expires_in=OVERDUE))]
    waiting = make_approval(acme)
    assert expire_due() == 2
    for organization, made in overdue:
        ended = execution_of(organization, made)
        assert ended.status == Status.REJECTED
        assert ended.error is not None and ended.error["error"] == "ApprovalExpired"
        assert [line[1:3] for line in journal(organization, made.execution_id)[1:]] == [
            ("error", "ApprovalExpired"),
            ("status", "Rejected"),
        ]
        found = reread(organization, made)
        assert found.state == "expired" and found.decided_at is not None and found.decided_by is None
        assert queued(made) is None
    with shared_context():
        assert Fleet.objects.filter(status=Status.REJECTED).count() == 2
    assert reread(acme, waiting).state == "pending" and queued(waiting) == Status.PENDING_APPROVAL
    assert expire_due() == 0


def test_nothing_due_costs_one_query(acme: OrganizationRecord) -> None:
    make_approval(acme)
    with CaptureQueriesContext(connection) as captured:
        assert expire_due() == 0
    assert sum("dispatch_dispatch" in query["sql"] for query in captured) == 1
    assert not any("approval" in query["sql"].lower().replace("pendingapproval", "") for query in captured)


def test_each_call_is_bounded(acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "AT_ONCE", 2)
    for _ in range(3):
        make_approval(acme, expires_in=OVERDUE)
    assert [expire_due(), expire_due(), expire_due()] == [2, 1, 0]


def test_what_was_decided_meanwhile_is_left_alone(acme: OrganizationRecord) -> None:
    made = make_approval(acme, expires_in=OVERDUE)
    with shared_context():
        Dispatch.objects.filter(execution=made.execution_id).update(status=Status.QUEUED)
    assert expire_due() == 0 and queued(made) == Status.QUEUED


def test_rows_of_an_organization_that_is_gone_go_too(acme: OrganizationRecord) -> None:
    with shared_context():
        row = Dispatch.objects.create(
            execution=uuid4(),
            organization=uuid4(),
            workflow="greet",
            status=Status.PENDING_APPROVAL,
            run_at=timezone.now() + OVERDUE,
        )
    made = make_approval(acme, expires_in=OVERDUE)
    expire_due()
    with shared_context():
        assert not Dispatch.objects.filter(execution=row.execution).exists()
    assert reread(acme, made).state == "expired"


def test_a_suspended_organizations_expire_as_well(acme: OrganizationRecord) -> None:
    made = make_approval(acme, expires_in=OVERDUE)
    change(acme, status="suspended")
    assert expire_due() == 1 and reread(acme, made).state == "expired"


def test_the_maintenance_sees_to_it(acme: OrganizationRecord) -> None:
    made = make_approval(acme, expires_in=OVERDUE)
    maintenance.run()
    assert reread(acme, made).state == "expired"
