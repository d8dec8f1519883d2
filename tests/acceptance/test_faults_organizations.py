"""An organization is suspended, or dropped for good, while its executions wait, run and are being started."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.acceptance.crowd import Crowd, all_workers
from tests.acceptance.launching import eventually

ORG = "short-lived"
DROP = f"""
from orgs import directory, provisioning
from orgs.tenancy import shared_context
with shared_context():
    organization = directory.organization_by_org_id("{ORG}")
provisioning.drop_organization(organization)
"""


@pytest.fixture
def token(crowd: Crowd) -> str:
    crowd.stack.manage("create_org", ORG)
    return crowd.stack.manage("create_token", ORG).strip()


@contextmanager
def starting_meanwhile(crowd: Crowd, token: str) -> Iterator[set[int]]:
    """Several callers start executions all the time; the statuses of the answers."""
    ended, statuses = threading.Event(), set[int]()
    headers = {"Authorization": f"Bearer {token}"}

    def call() -> None:
        while not ended.is_set():
            with suppress(httpx.TransportError):
                body = {"room": str(crowd.room), "seconds": 0.1}
                answer = crowd.stack.http.post("/api/workflows/again", headers=headers, json=body)
                statuses.add(answer.status_code)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        yield statuses
    finally:
        ended.set()
        for caller in callers:
            caller.join()


def lasting(crowd: Crowd, token: str, number: int) -> None:
    """So many of its executions whose code has begun and goes on."""
    headers = {"Authorization": f"Bearer {token}"}
    for workflow in ("once", "again"):
        for _ in range(number // 2):
            body = {"room": str(crowd.room), "seconds": -1}
            assert crowd.stack.http.post(f"/api/workflows/{workflow}", headers=headers, json=body).status_code == 202
    crowd.wait_begun(number)


@pytest.mark.faults
def test_dropped_with_live_runs(crowd: Crowd, token: str, tmp_path: Path) -> None:
    stack = crowd.stack
    [(organization, schema)] = stack.sql("SELECT id, schema_name FROM orgs_organization WHERE org_id = %s", ORG)
    pids = all_workers(stack)
    lasting(crowd, token, 40)
    others = Crowd(stack, tmp_path / "others")
    kept = others.start("once", 40, seconds=-1)
    others.wait_begun(40)
    with starting_meanwhile(crowd, token) as statuses:
        eventually(lambda: 202 in statuses, "starts")
        stack.manage("shell", "-v", "0", "-c", DROP)
        eventually(lambda: statuses & {401, 403, 404}, "the closed door")

    eventually(lambda: len(crowd.counts("end")) == len(crowd.counts("begin")), "the end of its code")
    assert stack.sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", schema) == []
    for table in ("dispatch_dispatch", "dispatch_fleet", "dispatch_schedule", "dispatch_workflowsetting"):
        rows = f"SELECT 1 FROM {table} WHERE organization = %s"
        eventually(lambda rows=rows: stack.sql(rows, organization) == [], f"nothing of it in {table}")
    others.open()
    others.wait_ended()
    assert others.check(kept) == {"Success": 40}
    assert all_workers(stack) == pids
    more = others.start("once", 40)
    others.wait_ended()
    assert others.check(more) == {"Success": 40}


@pytest.mark.faults
def test_suspended_with_live_runs(crowd: Crowd, token: str) -> None:
    """What runs goes on, what waits waits and says why, and goes on when the organization is active again."""
    stack = crowd.stack
    lasting(crowd, token, 20)
    status = "UPDATE orgs_organization SET status = %s WHERE org_id = %s"
    with starting_meanwhile(crowd, token) as statuses:
        eventually(lambda: 202 in statuses, "starts")
        stack.sql(status, "suspended", ORG)
        eventually(lambda: 403 in statuses, "the closed door")
    crowd.open()
    running = "SELECT 1 FROM dispatch_dispatch WHERE status = 'Running'"
    eventually(lambda: stack.sql(running) == [], "the end of what ran")
    stack.sql(status, "active", ORG)
    stack.nothing_left()
    schema = stack.schema(ORG)
    ended = stack.sql(f"SELECT id::text, status FROM {schema}.workflows_app_execution")
    assert {word for _, word in ended} == {"Success"}
    crowd.check([id_ for id_, _ in ended], ORG)
    assert set(crowd.counts("begin").values()) == {1}
    stack.manage("shell", "-v", "0", "-c", DROP)
