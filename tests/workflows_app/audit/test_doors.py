"""What people and programs do to executions and to what starts them leaves one event each, by API, page and command;
what is refused leaves none."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from bifrost.sdk.errors import PermissionError as NotAllowed
from integrations.errors import VaultUnavailable
from orgs import audit
from orgs.permissions import APPROVE, EVERYTHING, EXECUTE_WORKFLOWS, VIEW_EXECUTIONS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import events, log
from tests.factories import make_actor, make_user
from tests.workflows_app.approvals.rows import make_approval, reread
from tests.workflows_app.rest.conftest import Api, ApiOf
from tests.workflows_app.rest.rows import make_execution
from tests.workflows_app.webhooks.rows import make_delivery
from workflows_app import retrying, sending
from workflows_app.approvals.deciding import decide
from workflows_app.dispatch import limit_settings
from workflows_app.dispatch.limit_settings import Limits
from workflows_app.dispatch.models import Dispatch, Schedule, ScheduleAudience, WorkflowSetting
from workflows_app.errors import AlreadyDecided, UnknownExecution, UnknownSchedule
from workflows_app.executions import Start, submit
from workflows_app.models import ExecutionEvent, Webhook
from workflows_app.schedules import remove, settle
from workflows_app.webhooks.credentials import rotate

ADA = make_actor(EVERYTHING)
PAGES = "/o/acme/admin"


def queued(organization: OrganizationRecord) -> UUID:
    return UUID(submit(Start(organization, "later", {}, ADA)).execution_id)


def ended(organization: OrganizationRecord) -> UUID:
    return make_execution(organization, workflow="later", status="Failed", input={"number": 7})


# --- Executions ---------------------------------------------------------------------------------------------------


def test_a_start_needs_no_event(api: Api, acme: OrganizationRecord) -> None:
    assert api.post("/api/workflows/later").status_code == 202
    queued(acme)
    assert log() == []


def test_a_cancel_by_api_and_by_page(api: Api, technician: Client, acme: OrganizationRecord) -> None:
    first, second, third = queued(acme), queued(acme), queued(acme)
    assert api.post(f"/api/executions/{first}/cancel").status_code == 202
    technician.post(f"{PAGES}/workflows_app/execution/{second}/cancel/", {"confirmed": "yes"})
    chosen = {"action": "cancel_selected", "_selected_action": [str(third), str(second)], "confirmed": "yes"}
    technician.post(f"{PAGES}/workflows_app/execution/", chosen)

    assert log() == [
        ("execution.cancel", f"execution:{first}", "test"),
        ("execution.cancel", f"execution:{second}", "Olga"),
        ("execution.cancel", f"execution:{third}", "Olga"),
    ]
    event = events()[0]
    assert (event.organization, event.execution, event.metadata) == (acme.id, first, {"workflow": "later"})
    assert event.actor_kind == "token"


def test_a_cancel_that_is_refused_leaves_nothing(
    api: Api, api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    own, others = queued(acme), queued(globex)
    assert api.post(f"/api/executions/{ended(acme)}/cancel").status_code == 409
    assert api.post(f"/api/executions/{others}/cancel").status_code == 404
    assert api_of(acme, VIEW_EXECUTIONS).post(f"/api/executions/{own}/cancel").status_code == 403
    assert log() == []


def test_the_end_of_a_parent_is_one_act_whatever_ends_with_it(api: Api, acme: OrganizationRecord) -> None:
    sending.cancel_child(acme, queued(acme))
    assert log() == []


def test_where_the_log_cannot_be_written_nothing_is_cancelled(
    api: Api, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = queued(acme)

    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audit, "record_all", refuse)
    with pytest.raises(ZeroDivisionError):
        sending.cancel(acme, execution, ADA)
    assert Dispatch.objects.get(execution=execution).status == "Queued"


def test_a_signal_by_api_and_by_command_and_what_it_says_stays_the_organizations(
    api: Api, acme: OrganizationRecord
) -> None:
    execution = queued(acme)
    api.post(f"/api/executions/{execution}/signals/approved", {"patient": "Grace"})
    call_command("send_signal", str(execution), "go", '"Grace"', "--org", "acme", stdout=io.StringIO())
    person = make_user(acme, "admin", email="eve@acme.example", name="Eve")
    call_command("send_signal", str(execution), "go", "--org", "acme", "--as", person.email, stdout=io.StringIO())

    assert log() == [("execution.signal", f"execution:{execution}", name) for name in ("test", "Command line", "Eve")]
    assert [event.metadata for event in events()][:2] == [
        {"workflow": "later", "signal": "approved"},
        {"workflow": "later", "signal": "go"},
    ]


def test_a_signal_that_is_refused_leaves_nothing(
    api: Api, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    api.post(f"/api/executions/{ended(acme)}/signals/go")
    api.post(f"/api/executions/{queued(globex)}/signals/go")
    api.post(f"/api/executions/{queued(acme)}/signals/go", {"text": "x" * 300_000})
    with pytest.raises(CommandError):
        call_command("send_signal", str(uuid4()), "go", "--org", "acme")
    assert log() == []


def test_a_retry_by_api_and_by_page(api: Api, technician: Client, acme: OrganizationRecord) -> None:
    first, second, third = ended(acme), ended(acme), ended(acme)
    made = api.post(f"/api/executions/{first}/retry").json()["executionId"]
    technician.post(f"{PAGES}/workflows_app/execution/{second}/again/", {"code": "current"})
    chosen = {"_selected_action": [str(third), str(queued(acme))], "confirmed": "yes", "code": "current"}
    technician.post(f"{PAGES}/workflows_app/execution/", {"action": "start_selected_again", **chosen})

    assert log() == [
        ("execution.retry", f"execution:{first}", "test"),
        ("execution.retry", f"execution:{second}", "Olga"),
        ("execution.retry", f"execution:{third}", "Olga"),
    ]
    event = events()[0]
    assert (event.organization, event.execution) == (acme.id, UUID(made))
    assert event.metadata == {"workflow": "later", "startedAs": made}
    assert (event.actor_kind, event.key) == ("token", None)


def test_a_fork(api: Api, acme: OrganizationRecord) -> None:
    execution = ended(acme)
    with org_context(acme):
        ExecutionEvent.objects.create(
            execution_id=execution,
            seq=100,
            at=timezone.now(),
            kind="step",
            name="create",
            path="",
            number=0,
            data={"state": "done", "value": 1, "place": 0, "digest": ""},
        )
    made = api.post(f"/api/executions/{execution}/fork?step=1").json()["executionId"]
    assert log() == [("execution.fork", f"execution:{execution}", "test")]
    assert events()[0].metadata == {"workflow": "later", "startedAs": made}


def test_a_retry_that_is_refused_leaves_nothing(
    api: Api, api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    api.post(f"/api/executions/{queued(acme)}/retry")
    api.post(f"/api/executions/{ended(globex)}/retry")
    api_of(acme, VIEW_EXECUTIONS).post(f"/api/executions/{ended(acme)}/retry")
    api.post(f"/api/executions/{make_execution(acme, workflow='not_there', status='Failed')}/retry")
    with pytest.raises(UnknownExecution):
        retrying.start_again(acme, uuid4(), ADA)
    assert log() == []


def test_the_retry_of_somebody_with_a_very_long_name_is_recorded(api: Api, acme: OrganizationRecord) -> None:
    nameless = Actor("user", "1", f"{'x' * 240}@example.com", f"{'x' * 240}@example.com", frozenset({EVERYTHING}))
    retrying.start_again(acme, ended(acme), nameless)
    assert len(events()[0].actor_name) == 200


# --- Approvals ----------------------------------------------------------------------------------------------------


def test_decisions_by_api_and_by_page(api: Api, technician: Client, acme: OrganizationRecord) -> None:
    approved, rejected = make_approval(acme), make_approval(acme)
    api.post(f"/api/approvals/{approved.id}/approve", {"comment": "For Grace"})
    decision = {"decision": "reject", "comment": "Not for Grace"}
    technician.post(f"{PAGES}/workflows_app/approval/{rejected.id}/decide/", decision)

    assert log() == [
        ("approval.approve", f"approval:{approved.id}", "test"),
        ("approval.reject", f"approval:{rejected.id}", "Olga"),
    ]
    assert [event.execution for event in events()] == [approved.execution_id, rejected.execution_id]
    assert events()[0].metadata == {"workflow": "greet"}


def test_a_decision_that_is_refused_leaves_nothing(
    api: Api, api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    waiting = make_approval(acme)
    assert api.post(f"/api/approvals/{make_approval(globex).id}/approve").status_code == 404
    assert api_of(acme, EXECUTE_WORKFLOWS).post(f"/api/approvals/{waiting.id}/approve").status_code == 403
    with pytest.raises(NotAllowed):
        decide(acme, waiting.id, Actor("user", "grace", "", "Grace", frozenset({APPROVE})), approve=True)
    assert log() == [] and reread(acme, waiting).state == "pending"
    decide(acme, waiting.id, ADA, approve=True)
    with pytest.raises(AlreadyDecided):
        decide(acme, waiting.id, ADA, approve=False)
    assert log() == [("approval.approve", f"approval:{waiting.id}", "Ada")]


# --- Schedules ----------------------------------------------------------------------------------------------------

SCHEDULE_FORM = {"enabled": "on", "cron": "0 4 * * *", "timezone": "", "overlap": "skip", "missed": "run_once"}
SCHEDULE_FORM |= {"paused_until_0": "", "paused_until_1": "", "v.api_key": "s3cret-value"}


def test_schedules_by_page(technician: Client, acme: OrganizationRecord) -> None:
    answer = technician.post(f"{PAGES}/dispatch/schedule/add/?workflow=nightly", SCHEDULE_FORM)
    assert answer.status_code == 302
    row = Schedule.objects.get(organization=acme.id)
    technician.post(f"{PAGES}/dispatch/schedule/{row.id}/delete/", {"post": "yes"})

    assert log() == [("schedule.set", "schedule:nightly", "Olga"), ("schedule.remove", "schedule:nightly", "Olga")]
    event = events()[0]
    assert (event.metadata["cron"], event.metadata["parameters"]) == ("0 4 * * *", "changed")
    assert "s3cret" not in str(event.metadata)


def test_schedules_by_api(api: Api, acme: OrganizationRecord) -> None:
    address = "/api/schedules/nightly"
    put = api.client.put(address, '{"cron": "0 5 * * *"}', content_type="application/json", headers=api.headers)
    assert put.status_code == 200
    assert api.client.delete(address, headers=api.headers).status_code == 204
    assert log() == [("schedule.set", "schedule:nightly", "test"), ("schedule.remove", "schedule:nightly", "test")]
    assert events()[0].metadata == {"cron": "0 5 * * *"} and events()[0].organization == acme.id


def test_a_schedule_that_cannot_be_leaves_nothing(api: Api, acme: OrganizationRecord) -> None:
    bad = api.client.put(
        "/api/schedules/nightly", '{"cron": "nonsense"}', content_type="application/json", headers=api.headers
    )
    assert bad.status_code == 400
    with pytest.raises(NotAllowed):
        settle(acme, "nightly", {}, make_actor())
    with pytest.raises(UnknownSchedule):
        remove(acme, "nightly", ADA)
    assert log() == []


def test_audiences(technician: Client, acme: OrganizationRecord) -> None:
    values = {
        "workflow": "nightly",
        "tags": "gold",
        "overlap": "skip",
        "missed": "run_once",
        "cron": "",
        "timezone": "",
    }
    address = "/admin/dispatch/scheduleaudience/"
    assert technician.post(f"{address}add/", values).status_code == 302
    audience = ScheduleAudience.objects.get()
    technician.post(f"{address}{audience.pk}/change/", {**values, "cron": "0 3 * * *"})
    technician.post(f"{address}{audience.pk}/delete/", {"post": "yes"})

    done = ("create", "change", "delete")
    assert log() == [(f"audience.{what}", "audience:nightly", "Olga") for what in done]
    assert {event.organization for event in events()} == {None}


# --- Webhooks -----------------------------------------------------------------------------------------------------


def test_a_rotation_by_api_and_by_page_and_the_secret_nowhere(
    api: Api, technician: Client, acme: OrganizationRecord
) -> None:
    made = api.post("/api/webhooks/called/rotate").json()
    technician.post(f"{PAGES}/workflows_app/webhook/rotate/", {"workflow": "called", "hours": "1"})
    assert log() == [("webhook.rotate", "webhook:called", "test"), ("webhook.rotate", "webhook:called", "Olga")]
    assert made["secret"] not in str([event.metadata for event in events()])


def test_a_rotation_that_fails_leaves_nothing(api: Api, acme: OrganizationRecord, settings: Any) -> None:
    assert api.post("/api/webhooks/later/rotate").status_code == 404
    settings.VAULT_ADDR = "http://127.0.0.1:9"
    with pytest.raises(VaultUnavailable):
        rotate(acme, "called", actor=ADA)
    with org_context(acme):
        assert log() == [] and not Webhook.objects.exists()


def test_a_redelivery_by_api_and_by_page(api: Api, technician: Client, acme: OrganizationRecord) -> None:
    delivery = make_delivery(acme)
    made = api.post(f"/api/webhooks/deliveries/{delivery}/redeliver")
    technician.post(f"{PAGES}/workflows_app/webhookdelivery/{delivery}/redeliver/")
    assert made.status_code == 202
    assert log() == [("webhook.redeliver", f"delivery:{delivery}", name) for name in ("test", "Olga")]
    assert events()[0].metadata == {"workflow": "called", "deliveredAs": made.json()["webhookDeliveryId"]}


def test_a_redelivery_that_is_refused_leaves_nothing(
    api: Api, api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    own = make_delivery(acme)
    api.post(f"/api/webhooks/deliveries/{make_delivery(globex)}/redeliver")
    api.post(f"/api/webhooks/deliveries/{make_delivery(acme, body_sealed=None)}/redeliver")
    api_of(acme, VIEW_EXECUTIONS).post(f"/api/webhooks/deliveries/{own}/redeliver")
    assert log() == []


# --- Limits -------------------------------------------------------------------------------------------------------


def test_limits_by_both_pages(technician: Client, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    values = {"workflow": "later", "enabled": "on", "max_concurrent": "2", "starts_per_minute": ""}
    technician.post(f"{PAGES}/dispatch/workflowsetting/add/", values)
    setting = WorkflowSetting.objects.get()
    technician.post(f"{PAGES}/dispatch/workflowsetting/{setting.id}/delete/", {"post": "yes"})
    for_globex = {**values, "workflow": "", "organization": str(globex.id)}
    technician.post("/admin/dispatch/workflowsetting/add/", for_globex)

    assert log() == [
        ("limits.set", "workflow:later", "Olga"),
        ("limits.remove", "workflow:later", "Olga"),
        ("limits.set", "workflow:*", "Olga"),
    ]
    assert [event.organization for event in events()] == [acme.id, acme.id, globex.id]
    assert events()[0].metadata == {"enabled": True, "max_concurrent": 2, "starts_per_minute": None}


def test_limits_that_cannot_be_leave_nothing(technician: Client, acme: OrganizationRecord) -> None:
    values = {"workflow": "later", "enabled": "on", "max_concurrent": "-2", "starts_per_minute": ""}
    technician.post(f"{PAGES}/dispatch/workflowsetting/add/", values)
    limit_settings.remove(acme.id, "later", ADA)
    assert log() == []
    limit_settings.settle(acme.id, "later", Limits(enabled=False), ADA)
    assert log() == [("limits.set", "workflow:later", "Ada")]
