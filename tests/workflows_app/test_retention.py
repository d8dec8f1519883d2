"""Old records go when their time is over, each organization's by its own; what has not ended stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from django_q.models import Task

from orgs.models import AuditEvent, Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change
from tests.workflows_app.alerts.rows import alerts, make_alert, make_notice, notices
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app import maintenance, retention
from workflows_app.alerts.models import Alert, Notice
from workflows_app.alerts.notices import Recipient
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.models import Approval, Execution, ExecutionEvent, Inbox, ScheduleRun, WebhookDelivery

pytestmark = pytest.mark.django_db


def ended(organization: OrganizationRecord, days_ago: float, count: int = 1) -> list[UUID]:
    """Finished executions with something of everything that belongs to one."""
    found = []
    for _ in range(count):
        execution = make_execution(organization)
        make_events(organization, execution, ("status", "Queued", None), ("status", "Success", None))
        with org_context(organization):
            Inbox.objects.create(execution_id=execution, number=1, kind="cancel")
            Approval.objects.create(
                execution_id=execution, workflow="w", title="t", requested_by={}, requester="x", permission="p"
            )
        Fleet.objects.create(
            execution=execution,
            organization=organization.id,
            workflow="greet",
            status="Success",
            finished_at=timezone.now() - timedelta(days=days_ago),
        )
        found.append(execution)
    return found


def left(organization: OrganizationRecord) -> dict[str, int]:
    with org_context(organization):
        models = (Execution, ExecutionEvent, Inbox, Approval)
        return {model.__name__: model.objects.count() for model in models}


NOTHING = {"Execution": 0, "ExecutionEvent": 0, "Inbox": 0, "Approval": 0}


def test_what_ended_longer_ago_than_records_are_kept_goes_with_all_that_belongs_to_it(acme: OrganizationRecord) -> None:
    ended(acme, 91)
    [kept] = ended(acme, 89)

    assert retention.forget_old() == 1

    assert left(acme) == {"Execution": 1, "ExecutionEvent": 2, "Inbox": 1, "Approval": 1}
    assert Fleet.objects.get().execution == kept


def test_each_organization_has_its_own_time(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    change(acme, retention_days=7)
    change(globex, retention_days=3650)
    ended(acme, 8)
    ended(globex, 1000)

    assert retention.forget_old() == 1

    assert left(acme) == NOTHING
    assert left(globex)["Execution"] == 1


def test_what_has_not_ended_is_never_touched(acme: OrganizationRecord) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    waiting = make_execution(acme, status="Suspended", created_at=old, started_at=old, completed_at=None)
    Dispatch.objects.create(execution=waiting, organization=acme.id, workflow="greet", status="Suspended")

    assert retention.forget_old() == 0
    assert left(acme)["Execution"] == 1


def test_a_turn_is_bounded_and_the_next_ones_go_on(acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "OF_ONE_ORGANIZATION", 3)
    ended(acme, 100, count=5)

    assert [retention.forget_old() for _ in range(3)] == [3, 2, 0]
    assert left(acme) == NOTHING


def test_a_turn_looks_at_all_organizations_in_one_statement(
    acme: OrganizationRecord, globex: OrganizationRecord, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(38) as asked:
        retention.forget_old()
    assert len([query for query in asked.captured_queries if "dispatch_fleet" in query["sql"]]) == 1


def test_deliveries_and_the_history_of_schedules_go_in_their_organizations_turn(acme: OrganizationRecord) -> None:
    old = timezone.now() - timedelta(days=91)
    with org_context(acme):
        WebhookDelivery.objects.create(workflow="w", delivery_id="1", headers={}, received_at=old)
        WebhookDelivery.objects.create(workflow="w", delivery_id="2", headers={})
        ScheduleRun.objects.create(workflow="w", planned_at=old, outcome="started", recorded_at=old)
    for minute in range(Organization.objects.count()):
        retention.forget_old(timezone.now() + timedelta(minutes=minute))

    with org_context(acme):
        assert [delivery.delivery_id for delivery in WebhookDelivery.objects.all()] == ["2"]
        assert not ScheduleRun.objects.exists()


def test_resolved_alerts_and_notices_go_too_and_what_is_not_resolved_stays(acme: OrganizationRecord) -> None:
    old = timezone.now() - timedelta(days=91)
    for key, changes in (
        ("old", {"state": "resolved", "resolved_at": old}),
        ("new", {"state": "resolved", "resolved_at": timezone.now()}),
        ("never resolved", {"first_raised_at": old, "last_raised_at": old}),
    ):
        made = make_alert(acme, key)
        with org_context(acme):
            Alert.objects.filter(id=made).update(**changes)
    for key in ("old", "new"):
        make_notice(acme, Recipient.at("ann@acme.example"), key=key)
    with org_context(acme):
        Notice.objects.filter(key="old").update(created_at=old)
    for minute in range(Organization.objects.count()):
        retention.forget_old(timezone.now() + timedelta(minutes=minute))

    assert [alert.key for alert in alerts(acme)] == ["new", "never resolved"]
    assert [notice.key for notice in notices(acme)] == ["new"]


def test_failures_of_django_q2s_own_tasks_go_too(db: None) -> None:
    now = timezone.now()
    for name, days in (("old", 91), ("new", 1)):
        moment = now - timedelta(days=days)
        Task.objects.create(id=name, name=name, func="f", started=moment, stopped=moment, success=False)

    retention.forget_old()

    assert [task.name for task in Task.objects.all()] == ["new"]


def test_audit_events_go_when_their_organizations_time_is_over(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    change(acme, retention_days=10)
    at = timezone.now() - timedelta(days=20)
    for organization in (acme.id, globex.id, None):
        id_ = UUID(int=int(at.timestamp() * 1000) << 80 | uuid4().int >> 64)
        AuditEvent.objects.create(
            id=id_, at=at, organization=organization, actor_kind="user", actor_id="1", operation="aged"
        )
    for minute in range(Organization.objects.count()):
        retention.forget_old(timezone.now() + timedelta(minutes=minute))
    left = AuditEvent.objects.filter(operation="aged").values_list("organization", flat=True)
    assert set(left) == {globex.id, None}

    retention.forget_old(timezone.now() + timedelta(days=90))
    assert None not in set(left.all())


# --- the maintenance -------------------------------------------------------------------------------------------------


def test_each_part_has_its_turn_though_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    had_turn = []

    def fails() -> None:
        raise ValueError("trouble")

    monkeypatch.setattr(maintenance, "PARTS", (fails, lambda: had_turn.append("second")))

    with pytest.raises(RuntimeError, match="Maintenance failed in part: fails"):
        maintenance.run()
    assert had_turn == ["second"]


def test_a_turn_with_nothing_to_do_does_nothing(acme: OrganizationRecord) -> None:
    maintenance.run()
    assert not Dispatch.objects.exists()
