"""Code and values that harm their own execution, and must harm no other one."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.acceptance.crowd import Crowd, stopped, workers
from tests.acceptance.launching import eventually

NUMBER = 100


def began(crowd: Crowd, execution: str) -> None:
    eventually(lambda: crowd.counts("begin")[execution] > 0, "its beginning")


def the_others_are_well(crowd: Crowd, once: list[str], again: list[str]) -> Counter[str]:
    """Those that may run again have, the others are well or say that they were lost."""
    crowd.open()
    crowd.wait_ended()
    assert crowd.check(again) == {"Success": len(again)}
    return crowd.check_once(once)


@pytest.mark.faults
@pytest.mark.parametrize(("workflow", "word"), [("sleep_without_await", "TimeoutError"), ("backtrack", "WorkerLost")])
def test_a_workflow_that_lets_nobody_else_run(crowd: Crowd, workflow: str, word: str) -> None:
    """One blocks the loop, and the watchdog in its process ends it; one holds the interpreter, and is killed."""
    once, again = crowd.start("once", NUMBER, seconds=-1), crowd.start("again", NUMBER, seconds=-1)
    crowd.wait_begun(2 * NUMBER)
    before = set(workers(crowd.stack))
    [blocking] = crowd.start(workflow, 1)
    began(crowd, blocking)
    meanwhile = crowd.start("once", NUMBER)
    counts = the_others_are_well(crowd, once, again)
    assert crowd.check([blocking]) == {word: 1}
    assert 0 < counts["WorkerLost"] < NUMBER
    assert crowd.check(meanwhile)["Success"] > 0
    eventually(lambda: len(before - set(workers(crowd.stack))) == 1, "the end of that process")


@pytest.mark.faults
def test_it_blocks_both_workers_and_then_some(crowd: Crowd) -> None:
    """Four such workflows: each takes a process with it, and all others get through in the end."""
    for _ in range(4):
        crowd.start("sleep_without_await", 1)
    again = crowd.start("again", NUMBER)
    crowd.wait_ended()
    assert crowd.check(again) == {"Success": NUMBER}


@pytest.mark.faults
def test_values_that_no_database_takes(crowd: Crowd) -> None:
    """Among fifty good ones in the same batches: each bad value is a matter of its own execution alone."""
    with stopped(workers(crowd.stack)):  # so that one claim takes them all
        bad = {what: crowd.start("say", 1, room=False, what=what)[0] for what in ("nul", "nan", "surrogate")}
        good = crowd.start("say", 50, room=False, what="good")
    crowd.wait_ended()

    assert crowd.check(good) == {"Success": 50}
    for execution in good[:5]:
        record = crowd.stack.record(execution)
        assert [line["message"] for line in record["logs"]] == ["said", "in words: good"]
        assert record["variables"] == {"said": "good"}
        assert record["stateSnapshots"][0]["data"] == {"value": "good"}
    for execution in bad.values():
        assert crowd.check([execution]) == {"SerializationError": 1}
        record = crowd.stack.record(execution)
        assert len(record["logs"]) == 2
        assert crowd.stack.journal(execution)[-1]["name"] == "Failed"


# --- what lies in the queues is broken -------------------------------------------------------------------------------


NO_ROOM = "its journal has no room"
BROKEN = {
    "its input is no object": "UPDATE {execution} SET input = '[1]'",
    "who started it is not known": "UPDATE {execution} SET executed_by = 'null'",
    "its code is not there": "UPDATE {execution} SET code_version = 'gone', trigger = '{{\"pinned\": true}}'",
    "what was sealed is not readable": "UPDATE {execution} SET input_sealed = '\\x00112233'",
    "its record is gone": "DELETE FROM {execution}",
    "its journal is gone": "DELETE FROM {event}",
    NO_ROOM: "UPDATE {event} SET seq = 2147483647",
    "it has ended": "UPDATE {execution} SET status = 'Success', completed_at = now()",
    "it seems to run": "UPDATE {execution} SET status = 'Running', started_at = now()",
}


@pytest.mark.faults
def test_executions_whose_records_are_broken(crowd: Crowd) -> None:
    stack, schema = crowd.stack, crowd.stack.schema("acme")
    names = {"execution": f"{schema}.workflows_app_execution", "event": f"{schema}.workflows_app_executionevent"}
    with stopped(workers(stack)):
        good = crowd.start("once", 20)
        broken = dict(zip(BROKEN, crowd.start("once", len(BROKEN)), strict=True))
        good += crowd.start("once", 20)
        for what, execution in broken.items():
            key = "execution_id" if "{event}" in BROKEN[what] else "id"
            stack.sql(f"{BROKEN[what].format(**names)} WHERE {key} = %s", execution)
    crowd.ids = good
    crowd.wait_ended(seconds=20)
    assert crowd.check(good) == {"Success": 40}

    def left() -> list[str]:
        rows = stack.sql("SELECT execution::text FROM dispatch_dispatch")
        return [what for what, execution in broken.items() if (execution,) in rows]

    eventually(lambda: left() == [NO_ROOM], "the end of the others")
    after = crowd.start("once", 20)
    crowd.wait_ended()
    assert crowd.check(after) == {"Success": 20}
    # Nothing can be written of that one any more; and of those that the test has ended, the fleet knows nothing.
    stack.sql("DELETE FROM dispatch_dispatch WHERE execution = %s", broken[NO_ROOM])
    stack.sql(f"DELETE FROM {names['execution']} WHERE id = ANY(%s::uuid[])", list(broken.values()))


@pytest.mark.faults
def test_a_task_that_is_garbage(crowd: Crowd) -> None:
    """In django-q2's own queue: it is thrown away, and the next task is done."""
    stack = crowd.stack
    insert = "INSERT INTO django_q_ormq (key, payload, lock) VALUES ('tasks', %s, now() - interval '1 hour')"
    for payload in ("garbage", "", "gASVAAAAAAAA.:bad:signature"):
        stack.sql(insert, payload)
    stack.manage(
        "shell", "-c", "from workflows_app.dispatch import queue; queue.defer('workflows_app.maintenance.run')"
    )
    eventually(lambda: stack.sql("SELECT 1 FROM django_q_ormq") == [], "an empty queue")
    assert "is replaced" not in stack.said
