"""A worker that stands still past its lease and comes back: it is fenced meanwhile, and writes nothing."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.acceptance.crowd import Crowd, all_workers, holders, stopped, workers
from tests.acceptance.launching import eventually, send

NUMBER = 100


def rows_of(crowd: Crowd) -> list[tuple[Any, ...]]:
    """All that is written of the crowd, byte for byte."""
    schema, ids = crowd.stack.schema("acme"), crowd.ids
    records = f"SELECT row::text FROM {schema}.workflows_app_execution row WHERE id = ANY(%s::uuid[])"
    events = f"SELECT row::text FROM {schema}.workflows_app_executionevent row WHERE execution_id = ANY(%s::uuid[])"
    fleet = "SELECT row::text FROM dispatch_fleet row WHERE execution = ANY(%s::uuid[])"
    return sorted(crowd.stack.sql(f"{records} UNION ALL {events} UNION ALL {fleet}", ids, ids, ids))


def row_of(crowd: Crowd, pid: int) -> list[tuple[Any, ...]]:
    return crowd.stack.sql("SELECT id FROM dispatch_worker WHERE pid = %s AND kind = 'worker'", pid)


def fence_of(crowd: Crowd) -> tuple[int, list[tuple[Any, ...]]]:
    """A worker that holds some of the crowd, and its row."""
    pid = holders(crowd.stack)[0]
    return pid, row_of(crowd, pid)


@pytest.mark.faults
def test_it_writes_nothing_and_gets_a_fresh_row(crowd: Crowd) -> None:
    again, once = crowd.start("again", NUMBER, seconds=-1), crowd.start("once", NUMBER, seconds=-1)
    crowd.wait_begun(2 * NUMBER)
    pid, row = fence_of(crowd)
    with stopped([pid]):
        eventually(lambda: row_of(crowd, pid) == [], "the fence")
        crowd.open()
        crowd.wait_ended()
        before = rows_of(crowd)
    eventually(lambda: row_of(crowd, pid) not in ([], row) or pid not in workers(crowd.stack), "its next row")
    more = crowd.start("once", NUMBER)
    crowd.wait_ended()
    crowd.ids = again + once
    assert rows_of(crowd) == before
    assert crowd.check_journals(again) == {"Success": NUMBER}
    assert crowd.check_journals(once)["WorkerLost"] > 0
    assert crowd.check_once(more) == {"Success": NUMBER}


@pytest.mark.faults
def test_in_the_middle_of_a_batch_again_and_again(crowd: Crowd) -> None:
    """It may have been stopped inside a transaction: the fence waits for that, or takes its place."""
    again: list[str] = []
    for _ in range(3):
        again += crowd.start("again", 2 * NUMBER, seconds=0.05)
        pid, row = fence_of(crowd)
        with stopped([pid]):
            eventually(lambda pid=pid: row_of(crowd, pid) == [], "the fence", 40)
        eventually(lambda pid=pid, row=row: row_of(crowd, pid) != row, "its word")
    crowd.wait_ended()
    assert crowd.check_journals(again) == {"Success": len(again)}


@pytest.mark.faults
def test_all_workers_stand_still_at_once(crowd: Crowd) -> None:
    """Somebody else finds out: the web process sweeps as well."""
    again = crowd.start("again", NUMBER, seconds=-1)
    crowd.wait_begun(NUMBER)
    pids = all_workers(crowd.stack)
    with stopped(pids):
        eventually(lambda: not set(pids) & set(workers(crowd.stack)), "both fences")
    crowd.open()
    crowd.wait_ended()
    assert crowd.check_journals(again) == {"Success": NUMBER}
    all_workers(crowd.stack)


@pytest.mark.faults
def test_shorter_than_its_lease_it_goes_on(crowd: Crowd) -> None:
    once = crowd.start("once", NUMBER, seconds=-1)
    crowd.wait_begun(NUMBER)
    pid, row = fence_of(crowd)
    still = "SELECT now() - beat_at > interval '1.5 seconds' FROM dispatch_worker WHERE pid = %s"
    with stopped([pid]):
        eventually(lambda: crowd.stack.sql(still, pid) == [(True,)], "more than a second")
    crowd.open()
    crowd.wait_ended()
    assert crowd.check_once(once) == {"Success": NUMBER}
    assert row_of(crowd, pid) == row


@pytest.mark.faults
def test_killed_while_it_stands_still(crowd: Crowd) -> None:
    again = crowd.start("again", NUMBER, seconds=-1)
    crowd.wait_begun(NUMBER)
    pid, _ = fence_of(crowd)
    send([pid], signal.SIGSTOP)
    send([pid], signal.SIGKILL)
    crowd.open()
    crowd.wait_ended()
    assert crowd.check(again) == {"Success": NUMBER}
