"""Hints as django-q2 sees them, ordinary tasks, and the one schedule."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from django_q import scheduler
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule, Task
from django_q.signing import SignedPackage

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.acceptance.launching import eventually
from workflows_app import maintenance
from workflows_app.dispatch import hints, marks, members, queue
from workflows_app.dispatch.models import Dispatch
from workflows_app.dispatch.queue import Flight, HintBroker, TaskBroker, defer, schedule_maintenance
from workflows_app.dispatch.waiting import work_is_due

INFINITY = datetime.max.replace(tzinfo=UTC)


@pytest.fixture(autouse=True)
def not_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process belongs to no cluster: it has no sentinel above it."""
    monkeypatch.setattr(members, "orphaned", lambda: False)
    monkeypatch.setattr(members, "show_role", lambda role: None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "POLL_SECONDS", 0.05)


@pytest.fixture
def broker(transactional_db: None, quick: None) -> Iterator[HintBroker]:
    made = HintBroker("engine")
    made._sent = time.monotonic()  # no probe is due
    yield made
    hints.close()
    if made._listener is not None:
        made._listener.close()


def quiet(broker: HintBroker) -> None:
    """A new listener looks once; its first hint lands."""
    [(name, _)] = eventually(broker.dequeue, "the first hint")
    broker.acknowledge(name)
    assert broker.dequeue() is None


def put(**values: Any) -> None:
    row = {"execution": uuid4(), "organization": uuid4(), "workflow": "w", "status": "Queued"}
    Dispatch.objects.create(**{**row, **values})


# --- what is due -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [{}, {"lane": 1}, {"lane": 2}, {"status": "Suspended"}, {"priority": 0}],
)
def test_a_row_that_is_due_is_work(values: dict[str, Any]) -> None:
    assert not work_is_due()
    put(**values)
    assert work_is_due()


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["Queued", "Suspended", "PendingApproval"])
def test_a_row_that_comes_due_later_is_none(status: str) -> None:
    put(status=status, run_at=timezone.now() + timedelta(seconds=1))
    put(status=status, run_at=INFINITY)
    assert not work_is_due()


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["Running", "PendingApproval"])
def test_what_runs_or_waits_for_a_person_is_no_work(status: str) -> None:
    """An approval that is overdue is the maintenance's."""
    put(status=status)
    assert not work_is_due()


@pytest.mark.django_db
def test_the_look_reads_few_of_many_rows_that_wait_for_later() -> None:
    later, organizations = timezone.now() + timedelta(hours=1), [uuid4() for _ in range(5)]
    row = {"workflow": "w", "status": "Queued", "run_at": later}
    rows = [Dispatch(execution=uuid4(), organization=organizations[number % 5], **row) for number in range(5_000)]
    Dispatch.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dispatch_dispatch")
        cursor.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT EXISTS ("
            "SELECT FROM public.dispatch_dispatch WHERE status = 'Queued' AND lane = 0 AND run_at <= now())"
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60


# --- hints -----------------------------------------------------------------------------------------------------------


def test_work_that_is_due_makes_a_hint_that_calls_wake_and_carries_nothing(broker: HintBroker) -> None:
    quiet(broker)
    put()

    [(_, message)] = eventually(broker.dequeue, "the hint")

    task = SignedPackage.loads(message)
    assert (task["func"], task["args"], task["kwargs"]) == (queue.WAKE, (), {})
    assert task["ack_failure"] is True
    assert not OrmQ.objects.exists() and not Task.objects.exists()


def test_a_notification_makes_one_without_a_look_at_the_database(
    broker: HintBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "POLL_SECONDS", 5.0)
    [(name, _)] = eventually(broker.dequeue, "the first hint")
    broker.acknowledge(name)
    monkeypatch.setattr(queue, "work_is_due", lambda: pytest.fail("the notification says it"))
    began = time.monotonic()

    hints.send()

    assert eventually(broker.dequeue, "the hint")
    assert time.monotonic() - began < 1


def test_without_work_there_is_none(broker: HintBroker) -> None:
    quiet(broker)
    assert [broker.dequeue() for _ in range(5)] == [None] * 5


def test_one_is_under_way_at_most(broker: HintBroker) -> None:
    quiet(broker)
    put()
    [(name, _)] = eventually(broker.dequeue, "the hint")
    assert [broker.dequeue() for _ in range(20)] == [None] * 20

    broker.acknowledge(name)

    assert eventually(broker.dequeue, "the next")


def test_fifty_a_second_at_most(broker: HintBroker) -> None:
    quiet(broker)
    put()
    began, sent = time.monotonic(), 0
    while time.monotonic() - began < 0.5:
        hints.send()
        for name, _ in broker.dequeue() or []:
            sent += 1
            broker.acknowledge(name)
    assert 3 <= sent <= 27


def test_now_and_then_one_is_sent_without_work_to_see_whether_it_lands(broker: HintBroker) -> None:
    quiet(broker)
    broker._sent -= queue.PROBE_SECONDS
    [(name, _)] = broker.dequeue() or []
    broker.acknowledge(name)
    assert broker.dequeue() is None


def test_a_pusher_whose_hints_do_not_land_says_for_how_long(
    broker: HintBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[float] = []
    monkeypatch.setattr(marks, "touch", lambda role, overdue=0.0: said.append(overdue))
    quiet(broker)
    put()
    [(name, _)] = eventually(broker.dequeue, "the hint")
    broker._flight._since -= 30

    broker.dequeue()
    assert said[-1] > 29

    broker.acknowledge(name)
    broker.dequeue()
    assert said[-1] == 0


def test_a_database_that_is_away_is_waited_for(broker: HintBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet(broker)
    with monkeypatch.context() as away:
        away.setitem(connections["default"].settings_dict, "HOST", "/nowhere")
        connections["default"].close()
        assert broker.dequeue() is None
    put()
    assert eventually(broker.dequeue, "the hint")


def test_the_engine_cluster_takes_no_tasks(broker: HintBroker) -> None:
    with pytest.raises(RuntimeError, match="defer"):
        broker.enqueue("task")


def test_the_broker_is_inherited_not_pickled(broker: HintBroker) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(broker)


def test_a_hint_sent_again_keeps_its_name_and_any_landing_counts() -> None:
    flight = Flight()
    first = flight.depart(10.0)
    assert flight.depart(15.0) == first and flight.overdue(16.0) == 6.0
    flight.land(first)
    assert flight.landed and flight.overdue(17.0) == 0.0
    assert flight.depart(20.0) != first and flight.overdue(21.0) == 1.0


def test_a_new_pusher_counts_on_from_what_has_landed() -> None:
    flight = Flight()
    for _ in range(3):
        flight.land(flight.depart(0.0))
    flight._number = 0  # a pusher that was forked anew knows nothing of its predecessor
    name = flight.depart(1.0)
    assert not flight.landed
    flight.land(name)
    assert flight.landed


def test_waking_calls_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    woken = threading.Event()

    class Host:
        def wake(self) -> None:
            woken.set()

    monkeypatch.setattr(queue._connected, "host", Host())
    queue.wake()
    assert woken.is_set()


def test_a_task_begins_in_the_shared_schema_whatever_the_one_before_left(
    acme: OrganizationRecord, caplog: pytest.LogCaptureFixture
) -> None:
    connection.set_schema(acme.schema_name)
    queue._begin_task(task={})
    assert connection.schema_name == "public"
    assert acme.schema_name in caplog.text


def test_a_task_that_begins_well_says_nothing(db: None, caplog: pytest.LogCaptureFixture) -> None:
    queue._begin_task(task={})
    assert caplog.text == ""


# --- ordinary tasks --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_deferred_task_waits_in_the_queue_of_the_cluster_of_tasks() -> None:
    identity = defer("some.function", "text", 1, 2.5, True, None)
    [row] = OrmQ.objects.all()
    task = row.task
    assert row.key == "tasks"
    assert (task["id"], task["func"], task["args"]) == (identity, "some.function", ("text", 1, 2.5, True, None))


def test_it_waits_there_also_when_it_is_deferred_for_an_organization(acme: OrganizationRecord) -> None:
    with org_context(acme, alone=True):
        defer("some.function")
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_belongs_to_its_callers_transaction() -> None:
    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():
        defer("some.function")
        raise Undo
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize("argument", [[1], {"a": 1}, b"x", object(), datetime.now(UTC)])
def test_only_scalars_are_stored(argument: Any) -> None:
    with pytest.raises(TypeError, match="scalars"):
        defer("some.function", argument)


def test_large_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="100 kB"):
        defer("some.function", "x" * 60_000, "y" * 60_000)


@pytest.mark.django_db
def test_the_broker_of_tasks_takes_one_at_a_time_and_deletes_what_is_done() -> None:
    first, _ = defer("some.function"), defer("some.function")
    broker = TaskBroker("tasks")
    [(row, message)] = broker.dequeue()
    assert SignedPackage.loads(message)["id"] == first
    broker.acknowledge(row)
    assert OrmQ.objects.count() == 1


def test_a_database_that_is_away_stops_no_pusher_of_tasks(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conf, "POLL", 0.01)
    broker = TaskBroker("tasks")
    with monkeypatch.context() as away:
        away.setitem(connections["default"].settings_dict, "HOST", "/nowhere")
        connections["default"].close()
        assert broker.dequeue() is None
    defer("some.function")
    assert broker.dequeue()


# --- the schedule ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_there_is_one_schedule_the_maintenance_of_each_minute() -> None:
    schedule_maintenance()
    schedule_maintenance()
    [row] = Schedule.objects.all()
    assert (row.name, row.func, row.cluster) == ("tick", "workflows_app.maintenance.run", "tasks")
    assert (row.schedule_type, row.minutes, row.repeats) == (Schedule.MINUTES, 1, -1)


@pytest.mark.django_db
def test_others_are_removed_and_a_changed_one_is_put_right() -> None:
    Schedule.objects.create(name="mine", func="os.getpid", args="this does not parse (")
    Schedule.objects.create(name="tick", func="os.getpid", repeats=0)
    schedule_maintenance()
    [row] = Schedule.objects.all()
    assert (row.name, row.func, row.args, row.repeats) == ("tick", queue.MAINTENANCE, None, -1)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one() -> None:
    def make() -> None:
        schedule_maintenance()
        connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Schedule.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_when_it_is_due_one_task_is_made_however_long_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "CLUSTER_NAME", "tasks")
    schedule_maintenance()
    Schedule.objects.update(next_run=timezone.now() - timedelta(hours=3))

    for _ in range(3):
        scheduler.scheduler(broker=TaskBroker("tasks"))

    assert [row.task["func"] for row in OrmQ.objects.all()] == [queue.MAINTENANCE]
    assert Schedule.objects.get().next_run > timezone.now()


@pytest.mark.django_db(transaction=True)
def test_the_engine_cluster_would_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_maintenance()
    Schedule.objects.update(next_run=timezone.now() - timedelta(hours=3))
    scheduler.scheduler(broker=HintBroker("engine"))
    assert not OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_maintenance_runs() -> None:
    maintenance.run()
