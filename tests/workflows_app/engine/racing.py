"""Things that happen at the same instant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connections

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import journal
from tests.workflows_app.engine.working import eventually
from workflows_app.executions import Outcome

MANY = 12


def due_of(acme: OrganizationRecord, outcome: Outcome, kind: str) -> float:
    """When the wait's time is over, once it has begun."""
    [(_, _, data), *_] = eventually(
        lambda: [line for line in journal(acme, outcome, kind) if line[2].get("due")], f"a {kind} with a time"
    )
    return float(data["due"])


def until(moment: float) -> None:
    """Waits for that time itself, which is the condition here."""
    threading.Event().wait(max(0.0, moment - time.time()))


def at_once(acts: list[Callable[[], Any]]) -> None:
    """All of them in threads of their own, beginning together; raises what one of them raised."""
    begin = threading.Barrier(len(acts))
    failures: list[BaseException] = []

    def attempt(act: Callable[[], Any]) -> None:
        begin.wait()
        try:
            act()
        except BaseException as failure:  # noqa: BLE001  raised below
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
