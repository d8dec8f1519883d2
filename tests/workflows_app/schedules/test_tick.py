"""What one look at the clock does with schedules that are due."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import Any

import pytest

from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change
from workflows_app import executions
from workflows_app.dispatch import settled
from workflows_app.dispatch.models import Dispatch, Priority, Schedule, WorkflowSetting
from workflows_app.dispatch.schedules import database_time
from workflows_app.executions import Start, submit
from workflows_app.models import Execution, ScheduleParameters, ScheduleRun
from workflows_app.schedules import dispatch_due
from workflows_app.schedules.starting import ACTOR

from .conftest import NINE, SOURCE, MakeSchedule, Workspace, after, end, executions_of, history, row


def test_what_is_due_is_queued_for_its_organization(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    schedule = make_schedule(acme)
    make_schedule(globex, next_run=after(hours=1))
    tick = dispatch_due(after(seconds=5))
    assert (tick.started, tick.skipped, tick.waiting) == (1, 0, 0)
    [execution] = executions_of(acme)
    assert executions_of(globex) == [] and history(globex) == []
    assert (execution.status, execution.input) == ("Queued", {"days": 1})
    assert execution.trigger == {"type": "schedule", "scheduleId": str(schedule.id)}
    assert execution.executed_by == {"kind": "system", "id": "system", "email": "", "name": "Schedule"}
    assert execution.idempotency_key == "schedule:hourly:2026-03-02T09:00:00+00:00"
    queued = Dispatch.objects.get()
    assert (queued.organization, queued.priority) == (acme.id, Priority.LOW)
    assert history(acme) == [("09:00", "started", "")]
    with org_context(acme):
        assert ScheduleRun.objects.get().execution == execution.id
    [report] = tick.reports
    assert (report.org_id, report.workflow, report.planned_at, report.execution_id) == (
        "acme",
        "hourly",
        NINE,
        str(execution.id),
    )


def test_afterwards_the_schedule_has_its_next_time(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    dispatch_due(after(seconds=5))
    found = row(acme)
    assert (found.next_run, found.last_run, found.problem, found.waiting) == (after(hours=1), NINE, "", False)


def test_what_is_not_due_off_or_of_no_organization_is_left_alone(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(acme, next_run=after(minutes=1))
    make_schedule(globex, enabled=False)
    assert dispatch_due(after(seconds=30)).reports == ()
    assert executions_of(acme) == executions_of(globex) == []


def test_the_databases_clock_decides(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    minute = database_time().replace(second=0, microsecond=0)
    make_schedule(acme, cron="* * * * *", next_run=minute)
    assert dispatch_due().started == 1
    assert row(acme).next_run > minute


def test_one_organization_runs_the_same_workflow_beside_another(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(acme)
    make_schedule(globex)
    assert dispatch_due(NINE).started == 2
    assert len(executions_of(acme)) == len(executions_of(globex)) == 1


# --- The run before has not ended ------------------------------------------------------------------------------------


def test_skip_leaves_out_what_would_overlap(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, overlap="skip")
    dispatch_due(NINE)
    assert dispatch_due(after(hours=1)).skipped == 1
    assert history(acme) == [("09:00", "started", ""), ("10:00", "skipped", "The run of 09:00 has not ended.")]
    end(*executions_of(acme))
    assert dispatch_due(after(hours=2)).started == 1
    assert len(executions_of(acme)) == 2


def test_a_day_that_differs_is_named(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    dispatch_due(NINE)
    dispatch_due(after(days=1))
    assert "The run of 2026-03-02 09:00 has not ended." in history(acme)[-1][2]


def test_parallel_starts_all_the_same(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, overlap="parallel")
    for hour in range(3):
        assert dispatch_due(after(hours=hour)).started == 1
    assert len(executions_of(acme)) == 3
    assert len(row(acme).unfinished) == 3


def test_queue_waits_until_the_run_before_has_ended(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, overlap="queue", missed="skip")
    dispatch_due(NINE)
    tick = dispatch_due(after(hours=1))
    assert (tick.started, tick.waiting) == (0, 1)
    waiting = row(acme)
    assert (waiting.waiting, waiting.next_run) == (True, after(hours=1))
    assert waiting.problem == "Waits until the run of 09:00 has ended."
    end(*executions_of(acme))
    # It waited, so it was not missed.
    assert dispatch_due(after(hours=1, minutes=20)).started == 1
    assert [entry[:2] for entry in history(acme)] == [("09:00", "started"), ("10:00", "started")]
    assert (row(acme).waiting, row(acme).problem, row(acme).next_run) == (False, "", after(hours=2))


def test_queue_makes_one_run_of_all_that_waited(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, overlap="queue")
    for hour in range(4):
        dispatch_due(after(hours=hour))
    end(*executions_of(acme))
    assert dispatch_due(after(hours=3, minutes=1)).started == 1
    assert history(acme) == [
        ("09:00", "started", ""),
        (
            "11:00",
            "skipped",
            "2 earlier times waited, from 10:00 on; 12:00 runs in their place.",
        ),
        ("12:00", "started", ""),
    ]


def test_a_manual_run_is_no_run_of_the_schedule(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    before = row(acme)
    submit(Start(acme, "hourly", {}, ACTOR, trigger={"type": "api"}, background=True))
    untouched = row(acme)
    assert (untouched.next_run, untouched.last_run, untouched.effective) == (NINE, before.last_run, before.effective)
    assert dispatch_due(NINE).started == 1
    assert len(executions_of(acme)) == 2


# --- Nothing looked --------------------------------------------------------------------------------------------------


def test_run_once_runs_the_latest_of_what_was_missed(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    tick = dispatch_due(after(hours=3, minutes=7))
    assert (tick.started, tick.skipped) == (1, 1)
    assert history(acme) == [
        ("11:00", "skipped", "Nothing looked at 3 earlier times, from 09:00 on; 12:00 runs in their place."),
        ("12:00", "started", ""),
    ]
    assert row(acme).next_run == after(hours=4)


def test_more_missed_times_than_anyone_counts(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, cron="* * * * *")
    dispatch_due(after(days=30, seconds=1))
    [skipped, started] = history(acme)
    assert "more than 999 earlier times, from 2026-03-02 09:00 on" in skipped[2]
    assert (skipped[0], started[:2]) == ("08:59", ("09:00", "started"))


@pytest.mark.parametrize(("late", "outcome"), [(0, "started"), (120, "started"), (121, "skipped")])
def test_skip_leaves_out_what_is_too_late(
    make_schedule: MakeSchedule, acme: OrganizationRecord, late: int, outcome: str
) -> None:
    make_schedule(acme, missed="skip")
    dispatch_due(after(seconds=late))
    [entry] = history(acme)
    assert entry[1] == outcome
    assert entry[2] == ("" if outcome == "started" else "Missed: nothing looked until 09:02.")
    assert row(acme).next_run == after(hours=1)


def test_how_late_is_too_late_is_a_setting(
    make_schedule: MakeSchedule, acme: OrganizationRecord, settings: Any
) -> None:
    settings.SCHEDULES = {"late_seconds": 300}
    make_schedule(acme, missed="skip")
    assert dispatch_due(after(seconds=299)).started == 1


# --- Not now ---------------------------------------------------------------------------------------------------------


def test_a_paused_schedule_skips_until_its_pause_is_over(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, paused_until=after(hours=1, minutes=30))
    dispatch_due(NINE)
    dispatch_due(after(hours=1))
    dispatch_due(after(hours=2))
    reason = "Paused until 2026-03-02 10:30."
    assert history(acme) == [("09:00", "skipped", reason), ("10:00", "skipped", reason), ("11:00", "started", "")]


def test_a_late_look_knows_what_fell_into_the_pause(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, paused_until=after(hours=2))
    dispatch_due(after(hours=3))
    assert history(acme) == [
        ("10:00", "skipped", "Paused until 2026-03-02 11:00. The same for 1 earlier time, from 09:00 on."),
        ("11:00", "skipped", "Nothing looked at 1 earlier time, from 09:00 on; 12:00 runs in their place."),
        ("12:00", "started", ""),
    ]


def test_a_suspended_organizations_times_are_skipped(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    change(acme, status="suspended")
    dispatch_due(NINE)
    assert history(acme) == [("09:00", "skipped", "The organization is suspended.")]
    change(acme, status="active")
    assert dispatch_due(after(hours=1)).started == 1


def test_an_organization_that_is_being_updated_keeps_its_times(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(acme)
    make_schedule(globex)
    change(acme, ready=False)
    assert dispatch_due(NINE).started == 1
    assert history(acme) == [] and row(acme).next_run == NINE
    assert "being set up or updated" in row(acme).problem
    change(acme, ready=True)
    assert dispatch_due(after(minutes=10)).started == 1
    assert row(acme).problem == ""


def test_a_workflow_that_is_disabled_there_is_skipped(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    WorkflowSetting.objects.create(organization=acme.id, workflow="hourly", enabled=False)
    settled.forget()
    dispatch_due(NINE)
    assert history(acme) == [("09:00", "skipped", "'hourly' is disabled for acme.")]
    settled.forget()


# --- What is wrong with one schedule concerns no other ---------------------------------------------------------------


def test_a_workflow_that_is_gone_is_a_reason_and_not_an_accident(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, workspace: Workspace
) -> None:
    make_schedule(acme, "removed")
    make_schedule(globex)
    tick = dispatch_due(NINE)
    assert (tick.started, tick.waiting) == (1, 1)
    reason = "The workflow 'removed' is not in the workspace, or its file does not load."
    assert (row(acme, "removed").problem, history(acme, "removed")) == (reason, [])
    # It may be written just now; after five minutes it is taken for gone.
    assert dispatch_due(after(minutes=5)).skipped == 1
    assert history(acme, "removed") == [("09:00", "skipped", reason)]
    assert (row(acme, "removed").problem, row(acme, "removed").next_run) == (reason, after(hours=1))


def test_a_workflow_that_is_missing_while_its_file_is_written_runs_all_the_same(
    make_schedule: MakeSchedule, acme: OrganizationRecord, workspace: Workspace
) -> None:
    make_schedule(acme, missed="skip")
    workspace.write("import missing_library")
    assert dispatch_due(NINE).waiting == 1
    workspace.write(SOURCE)
    assert dispatch_due(after(minutes=3)).started == 1
    assert history(acme) == [("09:00", "started", "")]
    assert (row(acme).problem, row(acme).waiting) == ("", False)


def test_a_tick_sees_what_was_written_since(
    make_schedule: MakeSchedule, acme: OrganizationRecord, workspace: Workspace
) -> None:
    make_schedule(acme, "written_later")
    file = workspace.directory / "workflows" / "later.py"
    file.write_text(textwrap.dedent(SOURCE).replace('"hourly"', '"written_later"'))
    assert dispatch_due(NINE).started == 1


def test_a_workflow_of_another_mode_does_not_run_by_the_clock(
    make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme, "on_demand")
    dispatch_due(after(minutes=5))
    assert history(acme, "on_demand")[0][2] == (
        "The workflow 'on_demand' does not run on a schedule: its mode is async."
    )


def test_parameters_that_no_longer_fit_are_a_reason(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    for organization, values in ((acme, {"days": "many"}), (globex, {"days": 7})):
        make_schedule(organization)
        with org_context(organization):
            ScheduleParameters.objects.create(workflow="hourly", values=values)
    dispatch_due(NINE)
    [[_, outcome, reason]] = history(acme)
    assert outcome == "skipped" and '"days"' in reason
    # The shared table holds no word of an organization's parameters.
    assert row(acme).problem == "Its parameters no longer fit the workflow; its history says why."
    assert [execution.input for execution in executions_of(globex)] == [{"days": 7}]
    with org_context(acme):
        ScheduleParameters.objects.update(values={"days": 2})
    assert dispatch_due(after(hours=1)).started == 1
    assert row(acme).problem == ""


def test_a_time_zone_that_no_longer_exists_stops_that_schedule_alone(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(acme, timezone="Mars/Olympus")
    make_schedule(globex)
    assert dispatch_due(NINE).started == 1
    assert (row(acme).next_run, row(acme).problem) == (None, "There is no such time zone as 'Mars/Olympus'.")


def test_an_accident_in_one_start_stops_no_other(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(acme)
    make_schedule(globex)
    submit_all = executions.submit_all

    def fails_for_acme(starts: list[Start]) -> Any:
        if any(start.organization.id == acme.id for start in starts):
            raise RuntimeError("nobody foresaw this")
        return submit_all(starts)

    monkeypatch.setattr(executions, "submit_all", fails_for_acme)
    assert dispatch_due(NINE).started == 1
    assert history(acme) == [("09:00", "skipped", "It could not be started: RuntimeError.")]
    assert len(executions_of(globex)) == 1


def test_a_schema_that_is_broken_stops_no_other(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(acme)
    make_schedule(globex)
    Schedule.objects.create(
        organization=broken_organization(acme), workflow="hourly", effective="0 * * * *|UTC", next_run=NINE
    )
    tick = dispatch_due(NINE)
    assert (tick.started, tick.waiting) == (2, 1)
    assert Schedule.objects.get(problem__startswith="Its history cannot be written").next_run == NINE


def broken_organization(like: OrganizationRecord) -> Any:
    """An organization that says it is ready and has no schema."""
    return Organization.objects.create(org_id="broken", name="Broken", schema_name="org_" + "b" * 32, ready=True).id


def test_a_due_schedule_of_another_time_zone_follows_its_own_clock(
    make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme, "nightly", timezone="America/New_York", next_run=NINE - timedelta(hours=2))
    dispatch_due(NINE - timedelta(hours=2))
    # 8 March 2026: the clock jumps from 02:00 to 03:00.
    for day in range(1, 7):
        for execution in executions_of(acme, "nightly"):
            end(execution)
        dispatch_due(NINE + timedelta(days=day, hours=-2, minutes=30))
    planned = [entry[0] for entry in history(acme, "nightly")]
    assert planned == ["07:00"] * 7
    with org_context(acme):
        assert ScheduleRun.objects.latest("planned_at").planned_at == after(days=6, hours=-2)
        assert Execution.objects.count() == 7
