"""Exactly one execution for each planned time: ticks at once, interrupted, repeated, and clocks that step back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections

from integrations import sealing
from integrations.errors import VaultUnavailable
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import executions
from workflows_app.dispatch import schedules
from workflows_app.dispatch.models import Schedule
from workflows_app.errors import PlatformUnavailable
from workflows_app.executions import Outcome, Start
from workflows_app.models import ScheduleParameters, ScheduleRun
from workflows_app.schedules import Tick, dispatch_due, parameters, statements

from .conftest import NINE, MakeSchedule, after, executions_of, history, row


class Killed(BaseException):
    """The process ends here."""


def at_once(number: int, function: Callable[[], Tick]) -> list[Tick]:
    """So many threads, each with a connection of its own, call the function at the same moment."""
    start, ticks = threading.Barrier(number), list[Tick]()

    def call() -> None:
        try:
            start.wait(10)
            ticks.append(function())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ticks) == number
    return ticks


@pytest.mark.parametrize("_round", range(3))
def test_ticks_at_once_start_each_time_once(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, _round: int
) -> None:
    for organization in (acme, globex):
        for workflow in ("hourly", "guarded"):
            make_schedule(organization, workflow)
    ticks = at_once(4, lambda: dispatch_due(after(seconds=1)))
    assert sum(tick.started for tick in ticks) == 4
    for organization in (acme, globex):
        for workflow in ("hourly", "guarded"):
            assert len(executions_of(organization, workflow)) == 1
            assert history(organization, workflow) == [("09:00", "started", "")]
            assert row(organization, workflow).next_run == after(hours=1)


def test_a_tick_leaves_to_another_what_that_one_has_taken(
    make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme)
    with schedules.taken(NINE, 10) as taken:
        assert len(taken.rows) == 1
        assert dispatch_due(NINE).reports == ()
    assert dispatch_due(NINE).started == 1


def test_a_tick_that_hangs_gives_up_what_it_has_taken(
    make_schedule: MakeSchedule, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(acme)
    monkeypatch.setattr(schedules, "HANGING", "800ms")
    with pytest.raises(Exception, match=r"terminat|closed|lost"), schedules.taken(NINE, 10) as taken:
        deadline = threading.Event()
        while dispatch_due(NINE).started == 0:
            assert not deadline.wait(0.02)
        taken.advance([schedules.Advance(due.schedule, None, None) for due in taken.rows])
    assert len(executions_of(acme)) == 1 and row(acme).next_run == after(hours=1)


def interrupt(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, *, done_first: bool) -> None:
    """The process ends at its next call of the function, before or after what that does."""
    real = getattr(where, name)

    def dies(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(where, name, real)
        if done_first:
            real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(where, name, dies)


BOUNDARIES = [
    (statements, "run_all", False, "before its history is written"),
    (statements, "run_all", True, "between history and execution"),
    (executions, "submit_all", True, "between execution and history"),
    (schedules.Taken, "advance", False, "before the schedule moves on"),
    (schedules.Taken, "advance", True, "before that is committed"),
]


@pytest.mark.parametrize(
    ("where", "name", "done_first"), [each[:3] for each in BOUNDARIES], ids=[e[3] for e in BOUNDARIES]
)
@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(hours=2, minutes=1)], ids=["soon", "late"])
def test_a_tick_that_dies_is_repeated_without_harm(
    make_schedule: MakeSchedule,
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    done_first: bool,
    later: timedelta,
) -> None:
    for organization in (acme, globex):
        make_schedule(organization, overlap="parallel")
    interrupt(monkeypatch, where, name, done_first=done_first)
    with pytest.raises(Killed):
        dispatch_due(NINE)
    assert row(acme).next_run == NINE
    for _tick in range(3):
        dispatch_due(NINE + later)
    for organization in (acme, globex):
        keys = [execution.idempotency_key for execution in executions_of(organization)]
        assert len(keys) == len(set(keys))
        with org_context(organization):
            runs = list(ScheduleRun.objects.filter(outcome="started").order_by("planned_at"))
        # Each start of the history has its execution, and each execution its row.
        assert [run.execution for run in runs] == [execution.id for execution in executions_of(organization)]
        assert row(organization).next_run == (NINE + later).replace(minute=0) + timedelta(hours=1)
        assert set(row(organization).unfinished) == {str(run.execution) for run in runs}
    assert history(acme) == history(globex)
    if later < timedelta(hours=1):
        assert history(acme) == [("09:00", "started", "")]


def test_an_interrupted_start_counts_as_the_run_before(
    make_schedule: MakeSchedule, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(acme, overlap="skip")
    interrupt(monkeypatch, schedules.Taken, "advance", done_first=False)
    with pytest.raises(Killed):
        dispatch_due(NINE)
    dispatch_due(after(minutes=1))
    dispatch_due(after(hours=1))
    assert history(acme)[1] == ("10:00", "skipped", "The run of 09:00 has not ended.")
    assert len(executions_of(acme)) == 1


def test_parameters_that_changed_in_between_start_nothing_more(
    make_schedule: MakeSchedule, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(acme)
    interrupt(monkeypatch, executions, "submit_all", done_first=True)
    with pytest.raises(Killed):
        dispatch_due(NINE)
    with org_context(acme):
        ScheduleParameters.objects.create(workflow="hourly", values={"days": 9})
    assert dispatch_due(NINE).started == 1
    [execution] = executions_of(acme)
    assert execution.input == {"days": 1}
    with org_context(acme):
        assert ScheduleRun.objects.get().execution == execution.id


# --- Clocks that step back -------------------------------------------------------------------------------------------


def test_a_clock_that_steps_back_starts_nothing_twice(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, overlap="parallel")
    for minutes in (0, 60, 30, 0, -30, 30, 60, 90):
        dispatch_due(after(minutes=minutes))
    assert history(acme) == [("09:00", "started", ""), ("10:00", "started", "")]
    assert len(executions_of(acme)) == 2


def test_nor_does_a_schedule_that_is_set_anew_meanwhile(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, overlap="parallel")
    dispatch_due(NINE)
    dispatch_due(after(hours=1))
    Schedule.objects.update(effective="", next_run=None)
    dispatch_due(after(minutes=-10))  # computes the next time by a clock that was set back
    assert row(acme).next_run == NINE
    for minutes in (0, 1, 60, 61):
        dispatch_due(after(minutes=minutes))
    assert len(executions_of(acme)) == 2
    assert dispatch_due(after(hours=2)).started == 1


def test_a_schedule_that_was_removed_and_set_again_repeats_no_time(
    make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme, overlap="parallel")
    dispatch_due(NINE)
    Schedule.objects.all().delete()
    make_schedule(acme, overlap="parallel")
    assert dispatch_due(after(seconds=30)).started == 0
    assert len(executions_of(acme)) == 1


# --- The platform is in the way --------------------------------------------------------------------------------------


def test_a_start_that_must_wait_is_made_later(
    make_schedule: MakeSchedule, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(acme, missed="skip")
    submit_all = executions.submit_all

    def away(starts: Sequence[Start]) -> list[Outcome | Exception]:
        return [PlatformUnavailable("The vault is away.") for _ in starts]

    monkeypatch.setattr(executions, "submit_all", away)
    tick = dispatch_due(NINE)
    assert (tick.started, tick.waiting) == (0, 1)
    assert (row(acme).next_run, row(acme).problem) == (NINE, "The vault is away.")
    monkeypatch.setattr(executions, "submit_all", submit_all)
    # It was decided in time, so it is not too late now.
    assert dispatch_due(after(minutes=30)).started == 1
    assert history(acme) == [("09:00", "started", "")]
    assert (row(acme).next_run, row(acme).problem) == (after(hours=1), "")


def test_sealed_parameters_wait_for_the_vault(
    make_schedule: MakeSchedule, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(acme)
    with org_context(acme):
        ScheduleParameters.objects.create(
            workflow="hourly", values={"days": 3}, values_sealed=sealing.seal(acme, {"days": 3})
        )

    def no_key(*_: Any) -> Any:
        raise VaultUnavailable("The vault does not answer.")

    unseal = parameters.unseal
    monkeypatch.setattr(parameters, "unseal", no_key)
    assert dispatch_due(NINE).waiting == 1
    assert row(acme).problem == "Waits for the vault, which holds the key to its parameters."
    monkeypatch.setattr(parameters, "unseal", unseal)
    assert dispatch_due(after(minutes=5)).started == 1
    assert [execution.input for execution in executions_of(acme)] == [{"days": 3}]


def test_parameters_that_do_not_open_are_a_reason(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    with org_context(acme):
        ScheduleParameters.objects.create(workflow="hourly", values={}, values_sealed=b"\x01\x01garbage of some length")
    assert dispatch_due(NINE).skipped == 1
    assert history(acme)[0][1:] == ("skipped", row(acme).problem)
    assert "does not open" in row(acme).problem and row(acme).next_run == after(hours=1)


def test_a_start_whose_history_cannot_be_written_is_taken_up(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for organization in (acme, globex):
        make_schedule(organization)
    run_all = statements.run_all

    def fails_for_the_first(given: Any) -> Any:
        rows = run_all(given)
        settling = any("UPDATE" in statement.decode() for statement, _ in given)
        return [psycopg.DataError("refused"), *rows[1:]] if settling else rows

    with monkeypatch.context() as patched:
        patched.setattr(statements, "run_all", fails_for_the_first)
        dispatch_due(NINE)
    assert [row(acme).next_run, row(globex).next_run].count(NINE) == 1
    dispatch_due(after(minutes=1))
    assert row(acme).next_run == row(globex).next_run == after(hours=1)
    assert len(executions_of(acme)) == len(executions_of(globex)) == 1
