"""How a process of a cluster shows that it lives, and how it ends: in order, and soon after the process above it.

A cluster is a family of forks: the main process, django-q2's sentinel, and below it the pusher, the monitor and the
workers. A group's SIGTERM, or a SIGKILL of any of them, must neither hang the others nor leave them behind (pitfalls
Q6, Q7). The kernel helps: a process can ask for a signal when the one that forked it ends.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any

import structlog
from django.conf import settings

from workflows_app.dispatch import marks
from workflows_app.dispatch.handover import Exit, Handover

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
# The main process, its sentinel and the sentinel's children; what workers fork is their own affair.
_GENERATIONS = 2
# After the grace: the engine writes what it gives back, closes, and leaves.
END_SECONDS = 8.0


def grace_seconds() -> float:
    """For how long running executions may go on when their process is asked to stop."""
    return float(settings.ENGINE["stop_grace_seconds"])


def retire_seconds() -> float:
    """The same where it makes room for a process with newer code, which works meanwhile."""
    return float(settings.ENGINE["retire_grace_seconds"])


def get_signal_of_parents_end(number: int) -> None:
    """Has the kernel send this process that signal when the thread that forked it ends. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


def show_role(role: str) -> None:
    """What `ps -o comm` and `top` show: the cluster and what this process does in it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, f"{_family.cluster} {role}".encode())


@dataclass(slots=True)
class _Family:
    cluster: str = ""
    forking: int = 0
    parent: int = 0
    generation: int = 0


_family = _Family()


def found_family(cluster: str) -> None:
    """In a cluster's main process: whom it forks is killed when it ends, and so are those whom they fork in turn."""
    _family.cluster = cluster
    show_role("main")
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    _family.forking = os.getpid()


def _after_fork() -> None:
    _family.parent = _family.forking
    _family.generation += 1
    if _family.generation <= _GENERATIONS:
        get_signal_of_parents_end(signal.SIGKILL)
        if orphaned():
            os._exit(1)
        # The pusher and the workers will say more.
        show_role("monitor" if _family.generation == _GENERATIONS else "sentinel")


def orphaned() -> bool:
    """Whether the process that forked this one is gone."""
    return os.getppid() != _family.parent


def leave_if_orphaned() -> None:
    if orphaned():
        os._exit(1)


def begin_sentinel() -> None:
    """A SIGTERM of the whole group reaches the main process, which stops the cluster in order: the sentinel and its
    children go on until then."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Member:
    """A worker process's end. Made in its main thread, before it takes its first task.

    SIGTERM, a request to `retire`, or the loss of its sentinel: `drain` is called once, the main thread comes back
    from waiting for tasks, and the process ends. django-q2's own order to stop leads to the same. SIGUSR1 does so with
    more time, of which a later SIGTERM leaves no more than usual: then `hurry` is called. In a forked worker `atexit`
    does not run, so this hooks into multiprocessing.
    """

    def __init__(self, drain: Callable[[float], None], hurry: Callable[[float], None]) -> None:
        self._drain_with = drain
        self._hurry = hurry
        self._role = "starting"
        self._retiring = False
        self._draining = threading.Lock()
        self._drained = False
        self._wake_reader, self._wake_writer = os.pipe()
        self._ends_at = float("inf")
        Handover.exit = Exit()

    def start(self) -> None:
        show_role("worker")
        signal.signal(signal.SIGTERM, self._asked)
        signal.signal(signal.SIGUSR1, self._asked_to_make_room)
        # Of a terminal, for the supervisor. Not ignored: programs that workflows start would inherit that.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        get_signal_of_parents_end(signal.SIGTERM)
        Finalize(None, self._drain, exitpriority=100)
        Finalize(None, _end, exitpriority=-100)
        threading.Thread(target=self._watch, name="member", daemon=True).start()

    def retire(self, reason: str) -> None:
        """Has this process drain and end; the sentinel forks a fresh one."""
        log.info("the worker process retires", reason=reason)
        os.kill(os.getpid(), signal.SIGTERM)

    def show_working(self) -> None:
        """Says that this process takes work: one with old code that did so until then may make room."""
        self._role = "worker"

    def show_outdated(self) -> None:
        """Says that this process has old code and still runs executions: the supervisor starts a new cluster."""
        self._role = "outdated"

    # The handlers interrupt whatever the main thread does: no locks here.

    def _asked(self, number: int, frame: Any) -> None:
        os.write(self._wake_writer, b"x")

    def _asked_to_make_room(self, number: int, frame: Any) -> None:
        os.write(self._wake_writer, b"r")

    def _watch(self) -> None:
        """Marks, and bounds the end however it came about."""
        while time.monotonic() < self._ends_at:
            marks.touch(self._role)
            readable, _, _ = select.select([self._wake_reader], [], [], 1.0)
            asked = os.read(self._wake_reader, 100) if readable else b""
            if asked or orphaned():
                self._begin_end(make_room=asked.endswith(b"r"))
        log.error("the worker process did not end in time and is cut off")
        os._exit(1)

    def _begin_end(self, *, make_room: bool) -> None:
        if self._ends_at == float("inf"):
            self._retiring = make_room
            self._ends_at = time.monotonic() + self._grace() + END_SECONDS
            threading.Thread(target=self._leave, name="leave", daemon=True).start()
        elif self._retiring and not make_room:
            self._retiring = False
            self._ends_at = time.monotonic() + self._grace() + END_SECONDS
            self._hurry(self._grace())

    def _grace(self) -> float:
        return retire_seconds() if self._retiring else grace_seconds()

    def _leave(self) -> None:
        self._drain()
        assert Handover.exit is not None
        Handover.exit.request()

    def _drain(self) -> None:
        with self._draining:
            if not self._drained:
                self._drained = True
                self._ends_at = min(self._ends_at, time.monotonic() + self._grace() + END_SECONDS)
                self._drain_with(self._grace())


def _end() -> None:
    """The last act: results are with the monitor. Threads that will not stop end with the process."""
    marks.leave()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
