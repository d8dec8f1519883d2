"""django-q2, and all that Bifrost knows of it: it keeps worker processes alive and carries hints.

Two clusters. `engine` hosts the engine in its workers; its messages say only "there is work" and are made in memory,
so no queue row and no stored pickle belongs to an execution. `tasks` runs ordinary tasks (`defer`) and the one
schedule of the maintenance. What the engine is, `workflows_app.hosting` connects.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from ctypes import c_longlong
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.sharedctypes import RawValue
from multiprocessing.util import Finalize
from typing import Any, Protocol

import structlog
from django.apps import apps
from django.db import close_old_connections, connection, transaction
from django.db.utils import Error as DatabaseError
from django.utils import timezone
from django_q.brokers import Broker
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.humanhash import uuid
from django_q.models import OrmQ, Schedule, Task
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from orgs.sites import organization_site, staff_site
from orgs.tenancy import reset_schema, shared_context
from workflows_app.dispatch import hints, marks, members
from workflows_app.dispatch.handover import Handover, Results
from workflows_app.dispatch.waiting import work_is_due

log = structlog.get_logger(__name__)

ENGINE, TASKS = "engine", "tasks"
POLL_SECONDS = 0.5
SECONDS_BETWEEN_HINTS = 0.02
# Also without work: that a hint is acknowledged shows that the cluster does not hang.
PROBE_SECONDS = 5.0
WAKE = "workflows_app.dispatch.queue.wake"
MAINTENANCE = "workflows_app.maintenance.run"
LARGEST_TASK = 100_000


class Host(Protocol):
    """What runs executions in a worker process of the engine cluster."""

    def start(self, member: members.Member) -> None:
        """Begins, in threads of its own. `member.retire(reason)` has the process replaced by a fresh one."""

    def wake(self) -> None:
        """There may be work. Returns at once."""

    def stop(self, grace: float) -> None:
        """Takes no more and gives what runs that many seconds to finish; the process ends afterwards."""

    def hurry(self, grace: float) -> None:
        """A stop that is under way has no more than that many seconds from now on."""


@dataclass(slots=True)
class _Connected:
    host: Host | None = None


_connected = _Connected()


def connect(host: Host) -> None:
    """Says who runs executions in this process, should it become a worker of the engine cluster."""
    _connected.host = host


def wake() -> None:
    """The task behind every hint."""
    if _connected.host is not None:
        _connected.host.wake()


# --- brokers ---------------------------------------------------------------------------------------------------------


class _MemberBroker(Broker):  # type: ignore[misc]  # django-q2 has no types
    """What both clusters' brokers do: the sentinel and the pusher, which call them, show that they live."""

    def ping(self) -> bool:
        """The sentinel's first call, before it forks."""
        members.begin_sentinel()
        return True

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """The sentinel's round. Nobody reads django-q2's statistics."""
        members.leave_if_orphaned()
        marks.touch("sentinel")

    def get_stat(self, key: str) -> None:
        return None

    def get_stats(self, pattern: str) -> list[Any]:
        return []


class Flight:
    """The hints between pusher and monitor. Only the monitor writes what is shared, so there is no lock to die with."""

    def __init__(self) -> None:
        self._landed = RawValue(c_longlong, 0)
        self._number = 0
        self._since = 0.0  # when the first hint after the last landing was sent

    def depart(self, now: float) -> str:
        """A hint is sent; returns its name. One that is sent again keeps it: whichever lands, it has landed.

        A successor of a pusher that died counts on from what landed.
        """
        if self.landed:
            self._since = now
            self._number = self._landed.value + 1
        return f"hint-{self._number}"

    def land(self, name: str) -> None:
        """A worker has had it."""
        self._landed.value = int(name.removeprefix("hint-"))

    @property
    def landed(self) -> bool:
        """Whether none is under way."""
        return self._landed.value >= self._number

    def overdue(self, now: float) -> float:
        """For how many seconds no hint has landed although one was sent."""
        return 0.0 if self.landed else now - self._since


class HintBroker(_MemberBroker):
    """The engine cluster's. Its queue is the table `Dispatch`; it delivers hints, one at a time, 50 a second."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._listener: hints.Listener | None = None
        self._flight = Flight()
        self._wanted = False
        self._sent = float("-inf")

    def __getstate__(self) -> Any:
        raise TypeError("The broker is inherited by forks, with what they share; it cannot be pickled.")

    def enqueue(self, task: str) -> None:
        """Raises RuntimeError: this cluster takes no tasks."""
        raise RuntimeError("The engine cluster takes no tasks: use workflows_app.dispatch.queue.defer.")

    def dequeue(self) -> list[tuple[str, str]] | None:
        """A hint where one is due; after half a second at most, none."""
        _pusher_lives(self._flight.overdue(time.monotonic()))
        if not self._wanted:
            self._wanted = self._heard() or _work_is_due()
        now = time.monotonic()
        since = now - self._sent
        if since >= PROBE_SECONDS or (self._wanted and self._flight.landed and since >= SECONDS_BETWEEN_HINTS):
            self._wanted, self._sent = False, now
            return [(self._flight.depart(now), _hint())]
        if self._wanted:
            time.sleep(0.005 if self._flight.landed or since < 1 else POLL_SECONDS)
        return None

    def _heard(self) -> bool:
        if self._listener is None:
            members.show_role("pusher")
            self._listener = hints.Listener()
        return self._listener.wait(POLL_SECONDS)

    def acknowledge(self, task_id: str) -> None:
        self._flight.land(task_id)

    fail = acknowledge

    def info(self) -> str:
        return "hints"


class TaskBroker(_MemberBroker, ORM):  # type: ignore[misc]
    """The cluster of ordinary tasks: django-q2's own queue in the database."""

    _away = False

    @staticmethod
    def get_connection(list_key: str | None = None) -> Any:
        """django-q2's own connects at once, and would not start while the database is away."""
        if not connection.in_atomic_block:
            close_old_connections()
        return OrmQ.objects.using(Conf.ORM)

    def dequeue(self) -> Any:
        members.show_role("pusher")
        _pusher_lives()
        try:
            found = super().dequeue()
        except DatabaseError as error:
            connection.close()
            if not self._away:
                log.warning("tasks wait for the database", error=str(error).strip())
            self._away = True
            time.sleep(Conf.POLL)
            return None
        self._away = False
        return found


def _pusher_lives(overdue: float = 0.0) -> None:
    members.leave_if_orphaned()
    marks.touch("pusher", overdue)


def _work_is_due() -> bool:
    try:
        return work_is_due()
    except DatabaseError as error:
        connection.close()
        log.debug("the run queue cannot be looked at", error=str(error).strip())
        return False


def _hint() -> str:
    """The signed message, as `async_task` would make it."""
    name, identity = uuid()
    hint = {"id": identity, "name": name, "func": WAKE, "args": (), "kwargs": {}, "ack_failure": True}
    return str(SignedPackage.dumps({**hint, "started": timezone.now()}))


# --- ordinary tasks --------------------------------------------------------------------------------------------------


def defer(function: str, *arguments: str | int | float | bool | None) -> str:
    """Has the cluster of ordinary tasks call the function, by its dotted path, once; returns the task's id.

    Inside a transaction, the task is there when that commits. Scalars only, since what is stored is a pickle: raises
    TypeError for others, ValueError for more than 100 kB.
    """
    for argument in arguments:
        if not (argument is None or type(argument) in {str, int, float, bool}):
            raise TypeError(f"A task takes scalars only, not {type(argument).__name__}.")
    if sum(len(argument) for argument in arguments if isinstance(argument, str)) > LARGEST_TASK:
        raise ValueError("The arguments of a task may have 100 kB at most: pass an id.")
    with shared_context():
        return str(async_task(function, *arguments, q_options={"broker": ORM(list_key=TASKS), "cluster": TASKS}))


def schedule_maintenance() -> None:
    """Makes the one row of django-q2's schedules: the maintenance, each minute, by the cluster of ordinary tasks.

    May be repeated, also by two at once. A row that somebody changed is put right; others are removed, since one of
    them that does not parse would stop this one as well (pitfalls Q4).
    """
    wanted = {"name": "tick", "func": MAINTENANCE, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    wanted |= {"cluster": TASKS, "args": None, "kwargs": None, "hook": None, "cron": None}
    with shared_context(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('bifrost.schedule_maintenance'))")
        first = Schedule.objects.order_by("id").values_list("id", flat=True).first()
        Schedule.objects.exclude(id=first).delete()
        if first is None:
            Schedule.objects.create(**wanted)
        else:
            Schedule.objects.filter(id=first).update(**wanted)


def forget_failures(before: datetime) -> None:
    """Deletes what django-q2 remembers of tasks that failed before that time; it keeps them for good by itself."""
    with shared_context():
        Task.objects.filter(stopped__lt=before).delete()


def admin_models() -> list[str]:
    """Those of django-q2's tables that one of our admin sites offers: none should be."""
    offered = {model for site in (staff_site, organization_site) for model in site._registry}
    return sorted(model.__name__ for model in apps.get_app_config("django_q").get_models() if model in offered)


# --- a cluster's main process ----------------------------------------------------------------------------------------


def run_cluster() -> bool:
    """Runs the cluster that Q_CLUSTER_NAME names until it is asked to stop or its sentinel ends.

    Returns whether it was asked to. A stop that takes longer than the grace and some seconds ends the process group.
    """
    from django_q import cluster  # needs all apps to be loaded, as models import this module's neighbours before

    _prepare(cluster)
    running = cluster.Cluster()
    end = _End()
    for number, seconds in (
        (signal.SIGTERM, members.grace_seconds),
        (signal.SIGINT, members.grace_seconds),
        (signal.SIGUSR1, members.retire_seconds),
    ):
        signal.signal(number, lambda *_, grace=seconds: end.ask(grace()))
    parent = os.getppid()
    running.start()
    marks.touch("main")
    while not end.asked and running.sentinel.is_alive():
        marks.touch("main")
        time.sleep(0.5)
        if os.getppid() != parent:
            end.ask(members.grace_seconds())
    if not end.asked:
        log.error("the sentinel ended by itself", cluster=Conf.CLUSTER_NAME, status=running.sentinel.exitcode)
        return False
    _stop(running, end)
    return True


@dataclass(slots=True)
class _End:
    """Until when the cluster has to have ended, once it was asked to. Handlers of signals write it."""

    at: float = float("inf")

    @property
    def asked(self) -> bool:
        return self.at < float("inf")

    def ask(self, grace: float) -> None:
        self.at = min(self.at, time.monotonic() + grace + members.END_SECONDS)


def _stop(running: Any, end: _End) -> None:
    stopping = threading.Thread(target=running.stop, daemon=True)
    stopping.start()
    while stopping.is_alive() and time.monotonic() < end.at:
        marks.touch("main")
        stopping.join(0.5)
    if stopping.is_alive():
        log.error("the cluster did not stop in time and is cut off", cluster=Conf.CLUSTER_NAME)
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)


def _prepare(cluster: Any) -> None:
    """What has to be settled before the first fork."""
    from django_q import signals

    members.found_family(Conf.CLUSTER_NAME)
    hosts_engine = Conf.CLUSTER_NAME == ENGINE

    def while_full() -> bool:
        # A hint that waits says all that another could; a task waits for its turn.
        _pusher_lives()
        return not hosts_engine

    def make_queue(maxsize: int = 0) -> Any:
        return Handover(while_full) if maxsize else Results()

    cluster.Queue = make_queue
    signals.post_spawn.connect(_begin_worker, weak=False)
    signals.pre_execute.connect(_begin_task, weak=False)


def _begin_worker(**_: Any) -> None:
    host = _connected.host if Conf.CLUSTER_NAME == ENGINE else None

    def drain(grace: float) -> None:
        if host is not None:
            host.stop(grace)

    def hurry(grace: float) -> None:
        if host is not None:
            host.hurry(grace)

    if threading.active_count() > 1:
        log.error("threads were running before the fork", threads=[thread.name for thread in threading.enumerate()])
    member = members.Member(drain, hurry)
    member.start()
    # In the main thread and after its last task, which sets the same value.
    Finalize(None, _ended_in_order, exitpriority=50)
    if host is not None:
        host.start(member)
    else:
        member.show_working()


def _ended_in_order() -> None:
    """How django-q2 tells a process that ended as it should from one that died."""
    vars(multiprocessing.current_process())["timer"].value = -2


def _begin_task(**_: Any) -> None:
    """django-q2 does not put the schema back that a task before this one has left (pitfalls Q3)."""
    left = reset_schema()
    if left != "public":
        log.error("a task left its schema behind", schema=left)
