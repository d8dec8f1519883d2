"""/api/health: whether this process and what it stands on work, found out within bounded time.

Each probe looks on a thread of its own, one look at a time, and keeps the answer for a second: a service that hangs
costs its first askers a moment and later ones nothing, and no look waits for a run or a web thread's connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.http import HttpResponse
from rest_framework.request import Request

from integrations import secrets
from workflows_app import catalog, openapi
from workflows_app.dispatch.waiting import unattended_seconds
from workflows_app.engine import process
from workflows_app.responses import answer
from workflows_app.views import ApiView

T = TypeVar("T")
log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.5
KEPT_SECONDS = 1.0
UNATTENDED_SECONDS = 30.0  # work that is due and worker processes that do not beat, for so long
LOOP_SECONDS = 3.0  # a loop without a sign of life for so long is blocked


@dataclass(frozen=True, slots=True)
class Check:
    up: bool
    message: str = ""

    def document(self) -> dict[str, str]:
        document = {"status": "up" if self.up else "down"}
        return {**document, "message": self.message} if self.message else document


class Probe(Generic[T]):
    """Asks `look` at most once at a time and once a second; `late` is the answer while it takes too long."""

    def __init__(self, name: str, look: Callable[[], T], late: T, broken: T) -> None:
        self._name = name
        self._look = look
        self._late = late
        self._broken = broken
        self._lock = threading.Lock()
        self._answer: Future[T] = Future()
        self._began = self._ended = float("-inf")

    def ask(self) -> T:
        now = time.monotonic()
        with self._lock:
            under_way = self._ended < self._began
            if not under_way and now - self._ended >= KEPT_SECONDS:
                self._begin(now)
            answer, began = self._answer, self._began
        try:
            return answer.result(max(0.0, began + LOOK_SECONDS - now))
        except TimeoutError:
            return self._late

    def _begin(self, now: float) -> None:
        self._began, self._answer = now, Future()
        threading.Thread(target=self._run, args=(self._answer,), name=f"health-{self._name}", daemon=True).start()

    def _run(self, answer: Future[T]) -> None:
        found = self._broken
        try:
            found = self._look()
        except Exception:
            # Whatever is wrong, the answer says that something is.
            log.exception("a health probe failed", probe=self._name)
        with self._lock:
            self._ended = time.monotonic()
        answer.set_result(found)


def look_at_database() -> Check:
    """A connection of its own: it also finds out that the server takes no more."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    connection.settings_dict = {
        **connection.settings_dict,
        "OPTIONS": {**connection.settings_dict["OPTIONS"], "connect_timeout": 2},
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        log.warning("the database does not answer", error=str(error).strip())
        return Check(False, "The database does not answer.")
    finally:
        connection.close()
    return Check(True)


def look_at_vault() -> Check:
    found = secrets.health()
    return Check(True) if found.healthy else Check(False, "The vault does not answer or does not let the platform in.")


def look_at_engine() -> Check:
    """The engine starts with the first run, and anew with the next one where it was given up."""
    engine = process.running()
    if engine is None or not engine.accepts:
        return Check(True, "It starts with the next run.")
    if time.monotonic() - engine.mark > LOOP_SECONDS:
        return Check(False, "A workflow blocks the engine.")
    return Check(True)


def look_at_workspace() -> list[str]:
    return [f"{file} does not load: see manage.py workflows." for file in catalog.current().broken_files]


def look_at_workers() -> list[str]:
    """Says so where work is due and nobody does it. A database that is away is another check's business."""
    try:
        seconds = unattended_seconds(UNATTENDED_SECONDS)
    except Error:
        return []
    finally:
        connections.close_all()
    if seconds <= UNATTENDED_SECONDS:
        return []
    return [f"No worker process runs, and executions have waited for {seconds:.0f} s: start manage.py workers."]


_LATE = Check(False, f"No answer within {LOOK_SECONDS} s.")
_BROKEN = Check(False, "It cannot be looked at; the log says why.")
CHECKS: dict[str, Probe[Check]] = {
    "database": Probe("database", look_at_database, _LATE, _BROKEN),
    "vault": Probe("vault", look_at_vault, _LATE, _BROKEN),
    "engine": Probe("engine", look_at_engine, _LATE, _BROKEN),
}
WORKSPACE: Probe[list[str]] = Probe(
    "workspace", look_at_workspace, ["The workspace is still loading."], ["The workspace cannot be read."]
)
WORKERS: Probe[list[str]] = Probe("workers", look_at_workers, [], ["The run queue cannot be looked at."])


class HealthView(ApiView):
    authentication_classes = ()

    @openapi.get_health
    def get(self, request: Request) -> HttpResponse:
        checks = {name: probe.ask() for name, probe in CHECKS.items()}
        healthy = all(check.up for check in checks.values())
        document = {
            "status": "healthy" if healthy else "unhealthy",
            "checks": {name: check.document() for name, check in checks.items()},
            "warnings": [*WORKSPACE.ask(), *WORKERS.ask()],
        }
        return answer(document, 200 if healthy else 503)
