"""The engine in a worker process of django-q2's engine cluster: started, woken, kept, and retired in time."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError

from workflows_app import catalog
from workflows_app.catalog import scan
from workflows_app.dispatch import queue
from workflows_app.dispatch.members import Member
from workflows_app.dispatch.waiting import schedule_is_due
from workflows_app.engine import logs, process
from workflows_app.errors import PlatformUnavailable

log = structlog.get_logger(__name__)

LOOKS_BETWEEN_SIZES = 10
RETRY_SECONDS = 1.0
PAUSE_SECONDS = 0.1
SCHEDULE_SECONDS = 5.0
RELIEF_SECONDS = 30.0
TICK = "workflows_app.schedules.dispatch_due"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def connect() -> None:
    """Has the engine cluster's worker processes, should this process fork one, host the engine."""
    queue.connect(EngineHost())


class EngineHost:
    """Keeps an engine running in this process until it stops, and says when the process has served its time."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def start(self, member: Member) -> None:
        logs.guard_output()
        process.configure("worker")
        threading.Thread(target=self._keep, args=(member,), name="engine-host", daemon=True).start()

    def wake(self) -> None:
        engine = process.running()
        if engine is not None and engine.accepts:
            engine.wake()

    def stop(self, grace: float) -> None:
        self._stopped.set()
        process.stop(grace, for_good=True)

    def hurry(self, grace: float) -> None:
        process.hurry(grace)

    def _keep(self, member: Member) -> None:
        """An engine that was lost is followed by another; code that changed, or a process that grew, ends with it."""
        if not self._started():
            return
        member.show_working()
        code, looks = LoadedCode(settings.WORKSPACE, catalog.current().version), 0
        schedules = Schedules()
        while not self._stopped.wait(settings.ENGINE["workspace_poll_seconds"]):
            if code.has_changed():
                return self._make_room(member, "the workspace has changed")
            looks += 1
            if looks % LOOKS_BETWEEN_SIZES == 0 and (size := resident_megabytes()) > settings.WORKER_MAX_RSS_MB:
                return self._make_room(member, f"it has grown to {size} MB")
            self._started()
            schedules.look()

    def _make_room(self, member: Member, reason: str) -> None:
        """The process ends when nothing runs in it. Until then the supervisor knows of it and has another cluster take
        over; what it has the code for it takes meanwhile, but not for ever: there may be no supervisor."""
        relieved_by = time.monotonic() + RELIEF_SECONDS
        while not self._stopped.wait(PAUSE_SECONDS):
            engine = process.running()
            if engine is None or not engine.runs:
                return member.retire(reason)
            engine.takes = time.monotonic() < relieved_by
            member.show_outdated()

    def _started(self) -> bool:
        """Waits until an engine runs. False: the process stops."""
        engine, said = process.running(), False
        while engine is None or not engine.accepts:
            try:
                engine = process.engine()
            except PlatformUnavailable as error:
                if not said:
                    log.warning("the engine waits", reason=error.message)
                said = True
                if self._stopped.wait(RETRY_SECONDS):
                    return False
            finally:
                connection.close()
        return True


class Schedules:
    """Has the cluster of ordinary tasks start what is due, sooner than the maintenance of each minute would.

    Every worker process looks; a tick for nothing does no harm.
    """

    def __init__(self) -> None:
        self._next = time.monotonic() + SCHEDULE_SECONDS

    def look(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + SCHEDULE_SECONDS
        try:
            if schedule_is_due():
                queue.defer(TICK)
        except DatabaseError as error:
            log.debug("schedules cannot be looked at", error=str(error).strip())
        finally:
            connection.close()


class LoadedCode:
    """Whether the workspace still holds what this process has loaded: it never loads another version."""

    def __init__(self, directory: Path, version: str) -> None:
        self._directory = directory
        self._version = version
        self._known: scan.Fingerprint | None = None
        self._last: scan.Fingerprint | None = None

    def has_changed(self) -> bool:
        """One look. Editors write in pieces: a change counts once two looks have seen the same."""
        seen = scan.fingerprint(self._directory)
        if seen == self._known:
            return False
        if seen != self._last:
            self._last = seen
            return False
        self._known = seen
        return scan.read(self._directory).version != self._version


def resident_megabytes() -> int:
    """How much memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE_BYTES // 1_000_000
