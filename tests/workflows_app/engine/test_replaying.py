"""A replay says whether today's code goes the way that an execution went, and does nothing."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from bifrost.sdk.replayed import Replayed
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.workflows_app.engine.conftest import ADA, Workspace, recorded
from tests.workflows_app.engine.test_children import COMMAND
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker
from workflows_app import sending
from workflows_app.executions import Outcome, Start, submit
from workflows_app.recording import document_of, read_document
from workflows_app.replay import replay_document, replay_execution

# Whoever does a step leaves a file; a replay must leave none.
HEAD = """
    from pathlib import Path
    DONE = Path({done!r})

    @step
    async def double(number):
        with DONE.open("a") as file:
            file.write(f"double {{number}}\\n")
        return number * 2

    @step
    def triple(number):
        with DONE.open("a") as file:
            file.write(f"triple {{number}}\\n")
        return number * 3
"""
EVERYTHING = """
    @workflow
    async def child(context, number: int = 1):
        return await double(number)

    @workflow(execution_mode="async")
    async def example(context, number: int = 2):
        async def both(one):
            first = await double(one)
            await asyncio.sleep(0.01)
            return await triple(first + one)
        context.log("info", "told", str(context.now()))
        found = await asyncio.gather(*(both(one) for one in range(number)))
        await context.sleep(0.01)
        came = await context.first(context.wait_for_signal("go"), late=context.sleep(3600))
        grown = await context.execute_workflow("child", {"number": 5})
        await context.wait_for_signal("end", timeout=0.01, default=None)
        return [found, came.value, grown, await triple(str(context.uuid()))]
"""


@pytest.fixture
def done(tmp_path: Path) -> Path:
    return tmp_path / "done"


@pytest.fixture
def source(done: Path) -> str:
    return textwrap.dedent(HEAD.format(done=str(done)))


def tables(organization: OrganizationRecord) -> dict[str, int]:
    """How many rows each table of the shared schema and of the organization's has."""
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', %s)", [organization.schema_name]
        )
        names = [f'"{schema}"."{table}"' for schema, table in cursor.fetchall()]
        counts = {}
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")
            counts[name] = cursor.fetchone()[0]
    return counts


def replayed(organization: OrganizationRecord, outcome: Outcome) -> Replayed:
    return replay_execution(organization, UUID(outcome.execution_id))


def changed(workspace: Workspace, source: str, body: str) -> None:
    workspace.add(source + textwrap.dedent(body))


def whole(worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str) -> Outcome:
    """A run of `EVERYTHING` that has ended."""
    changed(workspace, source, EVERYTHING)
    worker.start()
    outcome = submit(Start(acme, "example", {}, COMMAND))
    worker.wake()
    wait_suspended(acme, outcome)
    signal(acme, outcome, "go", {"gone": True})
    end = worker.end_of(acme, outcome)
    assert end.status == "Success", end.error
    worker.stop()
    return end


def test_a_run_with_gathered_steps_signals_timers_and_a_child_is_compatible_and_nothing_is_done_or_written(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str, done: Path
) -> None:
    outcome = whole(worker, workspace, acme, source)
    before, did = tables(acme), done.read_text()
    assert before[f'"{acme.schema_name}"."workflows_app_executionevent"'] > 20

    told = replayed(acme, outcome)

    assert told.message == (
        "compatible: 10 of 10 recorded operations were asked for in their order; the code ends as recorded: Success."
    )
    assert told.compatible and bool(told) and (told.recorded, told.asked) == (10, 10)
    assert told.result == outcome.result, "the exact one"
    assert tables(acme) == before and done.read_text() == did


WAITS = """
    @workflow(execution_mode="async")
    async def example(context):
        doubled = await double(1)
        body = await context.wait_for_signal("go")
        return [doubled, body, await triple(2)]
"""


def suspended(worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str, body: str) -> Outcome:
    changed(workspace, source, body)
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    worker.stop()
    return outcome


def test_a_run_that_waits_goes_on_with_what_it_waits_for(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    outcome = suspended(worker, workspace, acme, source, WAITS)

    told = replayed(acme, outcome)

    assert told.message == (
        "compatible: 2 of 2 recorded operations were asked for in their order; the code goes on with the signal 'go'."
    )
    assert told.goes_on_with == ("the signal 'go'",)
    assert recorded(acme, outcome).status == "Suspended"


@pytest.mark.parametrize(
    ("before", "after", "sides"),
    [
        ("double(1)", "triple(1)", ("The journal has the step 'double' where", "asks for the step 'triple'")),
        ("double(1)", "double(7)", ("The step 'double' was recorded with other arguments", "the code now gives it")),
        ("await double(1)", "2", ("The journal has the step 'double' where", "asks for the signal 'go'")),
        ('await context.wait_for_signal("go")', "1", ("The journal has the signal 'go' where", "the step 'triple'")),
        ('await context.wait_for_signal("go")', "1; return", ("has the signal 'go' next", "The code returned")),
        ("await double(1)", "1; await asyncio.Event().wait()", ("has the step 'double' next", "asks for nothing")),
        ("body = await", "raise ValueError('odd'); await", ("has the signal 'go' next", "ValueError: odd")),
    ],
)
def test_code_that_goes_another_way_is_told_with_both_sides(
    worker: Worker,
    workspace: Workspace,
    acme: OrganizationRecord,
    source: str,
    done: Path,
    before: str,
    after: str,
    sides: tuple[str, str],
) -> None:
    outcome = suspended(worker, workspace, acme, source, WAITS)
    did = done.read_text()
    assert before in WAITS
    changed(workspace, source, WAITS.replace(before, after))

    told = replayed(acme, outcome)

    assert not told.compatible and not told
    for side in sides:
        assert side in told.message
    assert done.read_text() == did


def test_new_code_behind_the_journals_end_is_compatible(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    outcome = suspended(worker, workspace, acme, source, WAITS)
    changed(workspace, source, WAITS.replace("await triple(2)", "await triple(3), await double(9)"))
    assert replayed(acme, outcome).compatible


BLOCKING = """
    @workflow(execution_mode="async")
    def example(context):
        import time
        first = triple(2)
        time.sleep(0.05)
        second = context.step("say", lambda: first + 1)
        return [second, context.wait_for_signal("go")]
"""


def test_a_plain_function_is_replayed_too(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str, done: Path
) -> None:
    outcome = suspended(worker, workspace, acme, source, BLOCKING)
    did = done.read_text()

    assert replayed(acme, outcome).goes_on_with == ("the signal 'go'",)
    changed(workspace, source, BLOCKING.replace('"say"', '"tell"'))
    told = replayed(acme, outcome)

    assert "has the step 'say' where the code now asks for the step 'tell'" in told.message
    assert done.read_text() == did


FAILS = """
    @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
    async def example(context):
        doubled = await double(2)
        if context.attempt < 3:
            raise IntegrationError("away")
        return doubled
"""


def test_the_last_attempt_is_replayed_with_what_it_reused(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    changed(workspace, source, FAILS)
    worker.start()
    outcome = worker.run("example")

    told = replayed(acme, outcome)
    assert "1 of 1 recorded operations were" in told.message
    assert told.message.endswith("the code ends as recorded: Failed with IntegrationError.")
    assert told.error == "IntegrationError"

    changed(workspace, source, FAILS.replace("attempt < 3", "attempt < 1"))
    told = replayed(acme, outcome)
    assert told.compatible and told.result == 4
    assert told.message.endswith("the code ends as Success; the record ended as Failed with IntegrationError.")


def test_code_that_fails_now_is_not_compatible(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    outcome = whole(worker, workspace, acme, source)
    changed(workspace, source, EVERYTHING.replace("return [found", 'raise LookupError("lost"); return [found'))

    told = replayed(acme, outcome)

    assert not told.compatible
    assert "the step 'triple' next, and the code asks for nothing" in told.message
    assert "LookupError: lost" in told.message


def test_where_a_run_was_cancelled_its_replay_stays(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    changed(workspace, source, WAITS)
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    worker.wake()
    assert worker.end_of(acme, outcome).status == "Cancelled"

    told = replayed(acme, outcome)

    assert told.compatible, told.message
    assert told.message.endswith("the code goes on with the signal 'go'; the record ended as Cancelled.")


SECRETIVE = """
    @workflow(execution_mode="async")
    async def example(context, password: str = "from the start"):
        key = await context.get_secret("api_key")
        login = await context.step("login", lambda given: {"user": "ann", "token": given + "-token"}, key)
        told = await context.step("use", lambda **given: len(str(given)), login=login, password=password)
        return [told, await context.wait_for_signal("go")]
"""


def test_no_secret_is_read_and_what_is_made_of_one_cannot_be_compared(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_secret(acme, "api_key", "very-secret-value")
    outcome = suspended(worker, workspace, acme, source, SECRETIVE)

    def refuse(*_: Any) -> Any:
        raise AssertionError("The replay read a secret.")

    monkeypatch.setattr("integrations.secrets.secret_future", refuse)
    told = replayed(acme, outcome)

    assert told.message.startswith("compatible: 3 of 3"), told.message
    assert told.not_compared == ("the step 'use'",), "what it was given holds the secret, which only its reader knows"
    changed(workspace, source, SECRETIVE.replace(", key)", ', key + "!")'))
    assert "The step 'login' was recorded with other arguments" in replayed(acme, outcome).message


def test_without_a_secret_sealed_values_are_opened_and_compared(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    body = SECRETIVE.replace('await context.get_secret("api_key")', '"plain"')
    outcome = suspended(worker, workspace, acme, source, body)

    told = replayed(acme, outcome)

    assert told.compatible and told.not_compared == ()
    changed(workspace, source, body.replace("login=login", "login={**login, 'token': 'other'}"))
    assert "The step 'use' was recorded with other arguments" in replayed(acme, outcome).message


def test_a_file_holds_nothing_secret_and_what_comes_of_it_cannot_be_compared(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    write_secret(acme, "api_key", "very-secret-value")
    outcome = suspended(worker, workspace, acme, source, SECRETIVE)

    text = json.dumps(document_of(acme, UUID(outcome.execution_id)))

    assert "very-secret-value" not in text and "from the start" not in text
    told = replay_document(read_document(text))
    assert told.compatible, told.message
    assert told.not_compared == ("the step 'use'",)
    assert "The arguments of the step 'use' come from values that a replay does not have" in told.message
    changed(workspace, source, SECRETIVE.replace('"use"', '"spend"'))
    told = replay_document(read_document(text))
    assert not told.compatible and "has the step 'use' where the code now asks for the step 'spend'" in told.message


def test_a_file_without_anything_redacted_is_compared_in_whole(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str
) -> None:
    outcome = whole(worker, workspace, acme, source)
    text = json.dumps(document_of(acme, UUID(outcome.execution_id)))
    assert replay_document(read_document(text)).asked == 10
    changed(workspace, source, EVERYTHING.replace('{"number": 5}', '{"number": 6}'))
    assert "The child 'child' was recorded with other arguments" in replay_document(read_document(text)).message


def test_code_that_never_rests_is_said_to(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = suspended(worker, workspace, acme, source, WAITS)
    changed(workspace, source, WAITS.replace("await context.wait", "await asyncio.sleep(60); await context.wait"))
    monkeypatch.setattr("workflows_app.replay.SECONDS", 0.3)
    told = replayed(acme, outcome)
    assert told.message == "The code neither ended nor came to rest within 0.3 seconds of the replay."
