"""Keeps the clusters running: starts `manage.py qcluster` for each, watches it from outside, and replaces what hangs.

Runs in the main thread of `manage.py workers` and starts no other: a child gets a signal when the thread that started
it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

from workflows_app.dispatch import marks, members

log = structlog.get_logger(__name__)

CLUSTERS = ("engine", "tasks")
LOOK_SECONDS = 0.2
# From its start until all of a cluster's processes have shown that they live.
START_SECONDS = 30.0
# Beyond the grace: what the cluster's own bound on its end needs.
END_SECONDS = members.END_SECONDS + 2.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# Without each of these a cluster does nothing. The monitor shows in the pusher's marks that it lives.
NEEDED = ("main", "sentinel", "pusher")
# A starting one takes nothing yet; an outdated one has old code and still runs executions.
WORKERS = ("starting", "worker", "outdated")
# So many old clusters may still be ending when another one makes room.
MOST_ENDING = 3


class Cluster:
    """One running `manage.py qcluster`, leader of a session and process group of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = time.monotonic()
        self._marks = marks.Reader()
        supervisor = os.getpid()

        def arrange() -> None:
            members.get_signal_of_parents_end(signal.SIGTERM)
            os.putenv("Q_CLUSTER_NAME", name)
            os.putenv("BIFROST_MARKS_FD", str(self._marks.written_by))
            if os.getppid() != supervisor:
                os._exit(1)

        self._process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"],
            stdin=subprocess.DEVNULL,
            pass_fds=[self._marks.written_by],
            start_new_session=True,
            preexec_fn=arrange,  # noqa: PLW1509  a few system calls, and there are no other threads
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Of the main process; negative for a signal. None while it runs.

        It is not reaped before `close`: until then nobody else can get its number, nor that of its group.
        """
        if self._process.returncode is not None:
            return self._process.returncode
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def trouble(self, mark_seconds: float) -> str:
        """One look: why this cluster has to be replaced, or nothing. Kills workers that show no sign of life."""
        self._marks.look()
        if self.exit_status is not None:
            return f"it ended with status {self.exit_status}"
        silent = [mark for role in WORKERS for mark in self._marks.silent(role, mark_seconds)]
        for mark in silent:
            self._marks.forget(mark.pid)
            if self._holds(mark.pid):
                log.error("a worker process shows no sign of life and is killed", cluster=self.name, pid=mark.pid)
                self._signal(mark.pid, signal.SIGKILL)
        for role in NEEDED:
            age = self._marks.youngest(role)
            if age is None and time.monotonic() - self.started > START_SECONDS:
                return f"its {role} process did not start"
            if age is not None and age > mark_seconds:
                return f"its {role} process has shown no progress for {age:.0f} s"
        return ""

    @property
    def complete(self) -> bool:
        """Whether all that it needs has been seen to live."""
        return all(self._marks.youngest(role) is not None for role in NEEDED)

    @property
    def works(self) -> bool:
        return self.complete and bool(self._marks.pids("worker"))

    @property
    def outdated(self) -> bool:
        """Whether a worker with old code cannot be followed by a fresh one yet."""
        return bool(self._marks.pids("outdated"))

    def ask_to_stop(self) -> None:
        """In order: running executions get their grace."""
        self._signal(self.pid, signal.SIGTERM)

    def make_room(self) -> None:
        """The same with more time: another cluster works meanwhile."""
        self._signal_workers(signal.SIGUSR1)
        self._signal(self.pid, signal.SIGUSR1)

    def hurry(self) -> None:
        """One that makes room has no more than the usual grace from now on."""
        self._signal(self.pid, signal.SIGTERM)
        self._signal_workers(signal.SIGTERM)

    def give_up(self) -> None:
        """Kills the helpers, which fall with the main process; the workers get their grace all the same."""
        self._signal(self.pid, signal.SIGKILL)
        self._signal_workers(signal.SIGTERM)

    def _signal_workers(self, number: signal.Signals) -> None:
        self._marks.look()
        for pid in [pid for role in WORKERS for pid in self._marks.pids(role)]:
            if self._holds(pid):
                self._signal(pid, number)

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.exit_status is not None and not any(members_of(self.pid))

    def close(self) -> None:
        """Kills what still runs."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            self._marks.close()

    def _holds(self, pid: int) -> bool:
        with suppress(ProcessLookupError):
            return os.getpgid(pid) == self.pid
        return False

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def members_of(group: int) -> Iterator[int]:
    """The processes of a group that have not ended, but for its leader."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which may hold anything: state, parent, group.
            state, _, found = entry.read_text().rpartition(")")[2].split()[:3]
            pid = int(entry.parent.name)
            if int(found) == group and state not in "ZX" and pid != group:
                yield pid


@dataclass(slots=True)
class Kept:
    """A cluster that is kept running under its name."""

    name: str
    current: Cluster | None = None
    due: float = 0.0
    delay: float = FIRST_DELAY_SECONDS


@dataclass(slots=True)
class Ending:
    """A cluster that is to end, by then at the latest.

    `relieved_by`: it has old code and works on until the current cluster there works, or its time but for a grace is
    over.
    """

    cluster: Cluster
    until: float
    relieved_by: Kept | None = None


class Supervisor:
    """Keeps clusters running until it is asked to stop, by SIGTERM, SIGINT or SIGHUP; a second one ends their grace."""

    def __init__(self, names: Sequence[str] = CLUSTERS) -> None:
        self._kept = [Kept(name) for name in names]
        self._ending: list[Ending] = []
        self._asked = 0

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)
        while not self._asked:
            self.look()
            self._pause()
        self._stop()

    def look(self) -> None:
        """One look at everything: replaces what is in trouble, starts what is due, buries what has ended."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.current is not None and (trouble := kept.current.trouble(settings.MARK_SECONDS)):
                self._replace(kept, kept.current, trouble, now)
            elif kept.current is not None and kept.current.outdated and len(self._ending) < MOST_ENDING:
                self._renew(kept, kept.current, now)
            elif kept.current is None and now >= kept.due:
                kept.current = Cluster(kept.name)
        self._relieve(now)
        self._bury(now)

    def _renew(self, kept: Kept, old: Cluster, now: float) -> None:
        log.info("a cluster makes room for one with new code", cluster=kept.name)
        kept.current = Cluster(kept.name)
        self._ending.append(Ending(old, now + START_SECONDS + self._limit(), relieved_by=kept))

    def _relieve(self, now: float) -> None:
        """Has clusters with old code make room once another one works; after a while in any case."""
        for ending in self._ending:
            kept = ending.relieved_by
            if kept is None:
                continue
            if (kept.current is not None and kept.current.works) or now > ending.until - self._limit():
                ending.cluster.make_room()
                ending.until, ending.relieved_by = now + members.retire_seconds() + END_SECONDS, None

    def _replace(self, kept: Kept, cluster: Cluster, trouble: str, now: float) -> None:
        if cluster.complete:
            kept.delay = FIRST_DELAY_SECONDS
        log.error("a cluster is replaced", cluster=kept.name, reason=trouble, again_in_seconds=kept.delay)
        cluster.give_up()
        self._ending.append(Ending(cluster, now + self._limit()))
        kept.current, kept.due = None, now + kept.delay
        kept.delay = min(kept.delay * 2, LONGEST_DELAY_SECONDS)

    def _bury(self, now: float) -> None:
        for ending in list(self._ending):
            if ending.cluster.ended or now > ending.until or self._asked > 1:
                ending.cluster.close()
                self._ending.remove(ending)

    def _stop(self) -> None:
        limit = time.monotonic() + self._limit()
        for ending in self._ending:
            ending.cluster.hurry()
            ending.until = min(ending.until, limit)
        for kept in self._kept:
            if kept.current is not None:
                kept.current.ask_to_stop()
                self._ending.append(Ending(kept.current, limit))
                kept.current = None
        while self._ending:
            self._pause()
            self._bury(time.monotonic())

    def _limit(self) -> float:
        return members.grace_seconds() + END_SECONDS

    def _note(self, number: int, frame: object) -> None:
        self._asked += 1

    def _pause(self) -> None:
        # A signal does not shorten it: it may come between two looks as well.
        time.sleep(LOOK_SECONDS)
