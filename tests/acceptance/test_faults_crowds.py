"""Thousands that wait, hundreds that time out at once, and several clusters and ticks on one database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.crowd import Crowd
from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack

ACME = """
from orgs import directory
from orgs.tenancy import shared_context
with shared_context():
    acme = directory.organization_by_org_id("acme")
"""
LIMIT = f"""{ACME}
from workflows_app.dispatch.limit_settings import Limits, remove, settle
"""
SUBMIT = f"""{ACME}
import json
from orgs.permissions import EVERYTHING
from orgs.records import Actor
from workflows_app.executions import Start, submit_all
ada = Actor("user", "11111111-1111-7111-8111-111111111111", "ada@example.com", "Ada", frozenset({{EVERYTHING}}))
for _ in range(NUMBER // 1000):
    outcomes = submit_all([Start(acme, "background_echo", {{"message": "hello"}}, ada) for _ in range(1000)])
    print(json.dumps([outcome.execution_id for outcome in outcomes]))
"""


def submit(crowd: Crowd, number: int) -> list[str]:
    lines = crowd.stack.manage("shell", "-v", "0", "-c", SUBMIT.replace("NUMBER", str(number))).splitlines()
    return [execution for line in lines for execution in json.loads(line)]


@contextmanager
def one_at_a_time(stack: Stack) -> Iterator[None]:
    """A limit on all that acme runs."""
    stack.manage("shell", "-v", "0", "-c", LIMIT + "settle(acme.id, '', Limits(max_concurrent=1))")
    try:
        yield
    finally:
        stack.manage("shell", "-v", "0", "-c", LIMIT + "remove(acme.id, '')")


@pytest.mark.faults
def test_ten_thousand_wait_and_drain_while_others_are_served(crowd: Crowd) -> None:
    """While one organization's executions wait, another one's begins and ends within two seconds."""
    stack = crowd.stack
    with one_at_a_time(stack):
        executions = submit(crowd, 10_000)
    waiting = "SELECT count(*) FROM dispatch_dispatch WHERE status = 'Queued'"
    assert stack.sql(waiting)[0][0] >= 5_000
    took: list[float] = []
    while stack.sql(waiting)[0][0] > 1_000:
        [single] = crowd.start("background_echo", 1, "test-org-active", room=False)
        began = time.monotonic()
        ended = "SELECT 1 FROM dispatch_fleet WHERE execution = %s"
        eventually(lambda single=single, ended=ended: stack.sql(ended, single), "its end")
        took.append(time.monotonic() - began)
    assert took and max(took) < 2, took
    others, crowd.ids = crowd.ids, executions
    crowd.wait_ended(seconds=120)
    assert crowd.check(executions) == {"Success": 10_000}
    assert crowd.check(others, "test-org-active") == {"Success": len(others)}


@pytest.mark.faults
def test_three_hundred_time_out_at_once_and_to_the_second(crowd: Crowd) -> None:
    executions = crowd.start("two_seconds_at_most", 150, room=False)
    executions += crowd.start("two_seconds_at_most", 150, room=False)
    crowd.wait_ended()
    assert crowd.check(executions) == {"TimeoutError": 300}
    took = crowd.stack.sql(
        f"SELECT duration_ms FROM {crowd.stack.schema('acme')}.workflows_app_execution WHERE id = ANY(%s::uuid[])",
        executions,
    )
    assert 2000 <= min(took)[0] and max(took)[0] < 3000, (min(took), max(took))


@pytest.mark.faults
def test_two_clusters_run_nothing_twice(crowd: Crowd) -> None:
    with crowd.more_workers():
        once = crowd.start("once", 300, seconds=0.02) + crowd.start("once", 100, seconds=0.2)
        crowd.wait_ended()
        hosts = {line.split()[2] for id_ in once for line in (crowd.room / id_).read_text().splitlines()}
    assert crowd.check(once) == {"Success": 400}
    assert set(crowd.counts("begin").values()) == {1}
    assert len(hosts) > 2


@pytest.mark.faults
def test_two_ticks_at_once_start_each_planned_time_once(crowd: Crowd) -> None:
    stack, token = crowd.stack, crowd.stack.token("acme")
    path = "/api/schedules/each_minute"
    assert stack.call("PUT", path, token, json={"enabled": True, "overlap": "parallel"}).status_code == 200
    try:
        for _ in range(2):
            stack.sql("UPDATE dispatch_schedule SET next_run = date_trunc('minute', now()) WHERE next_run > now()")
            with stack.beside("dispatch_due"), stack.beside("dispatch_due"):
                pass
        due = "SELECT count(*) FROM dispatch_schedule WHERE next_run <= now()"
        eventually(lambda: stack.sql(due) == [(0,)], "no time that is due")
        stack.nothing_left()
    finally:
        assert stack.call("DELETE", path, token).status_code == 204
    schema = stack.schema("acme")
    started = stack.sql(
        f"SELECT planned_at, execution FROM {schema}.workflows_app_schedulerun WHERE outcome = 'started'"
    )
    made = stack.sql(f"SELECT id FROM {schema}.workflows_app_execution WHERE workflow = 'each_minute'")
    assert started and len({planned for planned, _ in started}) == len(started)
    assert sorted(execution for _, execution in started) == sorted(id_ for (id_,) in made)
    assert crowd.check([str(id_) for (id_,) in made]) == {"Success": len(made)}
