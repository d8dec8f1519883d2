"""Settling limits, and the lanes of the run queue that follow from them."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from workflows_app import maintenance
from workflows_app.dispatch import settled
from workflows_app.dispatch.limit_settings import Limits, remove, renew_lanes, settle
from workflows_app.dispatch.models import Dispatch, Lane, WorkflowSetting

pytestmark = pytest.mark.django_db(transaction=True)


def queued(organization: OrganizationRecord, workflow: str = "report", **values: object) -> UUID:
    given = {"status": "Queued", "lane": Lane.OPEN, **values}
    return Dispatch.objects.create(
        execution=uuid7(), organization=organization.id, workflow=workflow, **given
    ).execution


def lanes(*executions: UUID) -> list[Lane]:
    rows = Dispatch.objects.in_bulk(executions)
    return [Lane(rows[execution].lane) for execution in executions]


def test_a_limit_takes_effect_at_once_in_this_process(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    assert settled.settings_for(acme.id, "report").enabled

    settle(acme.id, "report", Limits(enabled=False, max_concurrent=2, starts_per_minute=60))

    found = settled.settings_for(acme.id, "report")
    assert (found.enabled, found.limited, found.rates) == (False, True, (("report", 60),))
    for other in (settled.settings_for(acme.id, "other"), settled.settings_for(globex.id, "report")):
        assert other.enabled and not other.limited


def test_settling_twice_changes_the_one_setting(acme: OrganizationRecord) -> None:
    first = settle(acme.id, "report", Limits(max_concurrent=2))
    assert settle(acme.id, "report", Limits(starts_per_minute=5)) == first
    setting = WorkflowSetting.objects.get()
    assert (setting.max_concurrent, setting.starts_per_minute) == (None, 5)


def test_a_limit_of_a_workflow_moves_its_rows_in_that_organization_alone(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    mine, other_workflow, foreign = queued(acme), queued(acme, "other"), queued(globex)
    settle(acme.id, "report", Limits(max_concurrent=2))
    assert lanes(mine, other_workflow, foreign) == [Lane.LIMITED, Lane.OPEN, Lane.OPEN]


@pytest.mark.parametrize("status", ["Queued", "Suspended", "PendingApproval", "Running"])
def test_rows_that_are_queued_again_later_move_as_well(acme: OrganizationRecord, status: str) -> None:
    row = queued(acme, status=status)
    settle(acme.id, "report", Limits(starts_per_minute=2))
    assert lanes(row) == [Lane.LIMITED]


def test_rows_go_back_when_the_limit_goes(acme: OrganizationRecord) -> None:
    row = queued(acme)
    settle(acme.id, "report", Limits(max_concurrent=2))
    settle(acme.id, "report", Limits(enabled=False))
    assert lanes(row) == [Lane.OPEN]

    settle(acme.id, "report", Limits(max_concurrent=2))
    remove(acme.id, "report")
    assert lanes(row) == [Lane.OPEN]
    assert not WorkflowSetting.objects.exists() and not settled.any_limits()


def test_a_limit_of_the_whole_organization_leaves_lanes_as_they_are(acme: OrganizationRecord) -> None:
    row = queued(acme)
    settle(acme.id, "", Limits(max_concurrent=2))
    assert lanes(row) == [Lane.OPEN]


def test_what_is_to_run_alone_stays_so(acme: OrganizationRecord) -> None:
    alone = queued(acme, lane=Lane.ALONE)
    settle(acme.id, "report", Limits(max_concurrent=2))
    assert lanes(alone) == [Lane.ALONE]
    remove(acme.id, "report")
    assert lanes(alone) == [Lane.ALONE]


def test_removing_leaves_other_organizations_settings(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    for organization in (acme, globex):
        settle(organization.id, "report", Limits(max_concurrent=2))
    remove(acme.id, "report")
    assert WorkflowSetting.objects.get().organization == globex.id


def test_the_maintenance_moves_what_was_queued_while_a_limit_went(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    stray = [queued(acme, lane=Lane.LIMITED), queued(globex, lane=Lane.LIMITED)]
    WorkflowSetting.objects.create(organization=globex.id, workflow="late", max_concurrent=1)
    late = queued(globex, "late")
    maintenance.run()
    assert lanes(*stray, late) == [Lane.OPEN, Lane.OPEN, Lane.LIMITED]


def test_however_many_rows_there_are_it_is_one_statement(acme: OrganizationRecord) -> None:
    for _ in range(20):
        queued(acme, lane=Lane.LIMITED)
    with CaptureQueriesContext(connection) as captured:
        assert renew_lanes(acme.id) == 20
        assert renew_lanes(acme.id) == 0
    assert len([query for query in captured if "dispatch_dispatch" in query["sql"]]) == 2
