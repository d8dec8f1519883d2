"""Waits: short ones in the process, long ones without any worker; signals are kept, delivered once and in order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import process
from workflows_app.executions import Outcome


def is_suspended(acme: OrganizationRecord, outcome: Outcome) -> bool:
    return recorded(acme, outcome).status == "Suspended" and process.running().runs == {}  # type: ignore[union-attr]


def wait_suspended(acme: OrganizationRecord, outcome: Outcome) -> None:
    eventually(lambda: is_suspended(acme, outcome), "suspension")


def signal(acme: OrganizationRecord, outcome: Outcome, name: str, body: Any = None) -> str:
    status = sending.signal(acme, UUID(outcome.execution_id), name, body, ADA)
    if (engine := process.running()) is not None:
        engine.wake()
    return status


def test_a_short_sleep_stays_and_a_long_one_needs_no_worker(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, short: float, long: float):
            began = context.now()
            await context.sleep(short)
            context.log("info", "short is over")
            await context.sleep(long)
            context.log("info", "long is over")
            return began.isoformat()
        """
    )
    worker.start()

    outcome = worker.submit("example", short=0.3, long=1.2)

    wait_suspended(acme, outcome)
    row = Dispatch.objects.get()
    assert (row.worker, row.status) == (None, "Suspended")
    assert row.reason.startswith("waits for the timer (2) until 20")
    assert worker.end_of(acme, outcome).status == "Success"
    assert [data["message"] for _, _, data in journal(acme, outcome, "log")] == ["short is over", "long is over"]
    statuses = [name for _, name, _ in journal(acme, outcome, "status")]
    assert statuses == ["Queued", "Running", "Suspended", "Running", "Success"]


def test_signals_are_kept_and_delivered_once_and_in_order(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            got = []
            while len(got) < 4:
                got.append(await context.wait_for_signal("event"))
            return got
        """
    )
    outcome = worker.submit("example")
    assert signal(acme, outcome, "event", 1) == "Queued"
    signal(acme, outcome, "other", "x")
    signal(acme, outcome, "event", 2)
    worker.start()
    worker.wake()
    wait_suspended(acme, outcome)
    signal(acme, outcome, "event", {"n": 3})
    wait_suspended(acme, outcome)
    signal(acme, outcome, "event", {"password": "hunter22"})

    assert worker.end_of(acme, outcome).result == [1, 2, {"n": 3}, {"password": "hunter22"}]
    shown = [data["value"] for _, _, data in journal(acme, outcome, "signal") if data["state"] == "done"]
    assert shown == [1, 2, {"n": 3}, {"password": "REDACTED"}]


def test_a_wait_ends_with_its_time(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            first = await context.wait_for_signal("event", timeout=0.2, default="nothing")
            try:
                await context.wait_for_signal("event", timeout=1.5)
            except TimeoutError as error:
                return [first, str(error)]
        """
    )
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == ["nothing", "No signal 'event' came within 1.5 seconds"]


def test_first_takes_what_comes_first_and_leaves_the_rest(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            found = []
            for _ in range(2):
                first = await context.first(
                    event=context.wait_for_signal("event"), stop=context.wait_for_signal("stop"), time=context.sleep(60)
                )
                found.append([first.key, first.value])
            return found
        """
    )
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    signal(acme, outcome, "stop", "now")
    wait_suspended(acme, outcome)
    signal(acme, outcome, "event", 1)

    assert worker.end_of(acme, outcome).result == [["stop", "now"], ["event", 1]]


def test_both_signals_at_the_same_moment_are_kept(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            first = await context.first(a=context.wait_for_signal("a"), b=context.wait_for_signal("b"))
            other = await context.wait_for_signal("b" if first.key == "a" else "a")
            return [first.value, other]
        """
    )
    outcome = worker.submit("example")
    signal(acme, outcome, "b", "B")
    signal(acme, outcome, "a", "A")
    worker.start()

    assert sorted(worker.end_of(acme, outcome).result) == ["A", "B"]


def test_tasks_wait_each_for_itself_and_the_run_suspends_when_all_do(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @step
        async def double(number):
            await asyncio.sleep(0.01 * (3 - number))
            return number * 2

        async def process(context, number):
            doubled = await double(number)
            body = await context.wait_for_signal(f"go {number}")
            return [doubled, body, await double(number + 1)]

        @workflow(execution_mode="async")
        async def example(context):
            return await asyncio.gather(*(process(context, number) for number in range(3)))
        """
    )
    worker.start()
    outcome = worker.submit("example")
    for number in (1, 2, 0):
        wait_suspended(acme, outcome)
        signal(acme, outcome, f"go {number}", number)

    assert worker.end_of(acme, outcome).result == [[0, 0, 2], [2, 1, 4], [4, 2, 6]]
    values = [data["value"] for _, name, data in journal(acme, outcome, "step") if data["state"] == "done"]
    assert sorted(values) == [0, 2, 2, 4, 4, 6]


def test_a_run_with_something_of_its_own_to_do_does_not_suspend(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            async def count():
                for number in range(5):
                    await asyncio.sleep(0.1)
                return number
            async def limited():
                try:
                    async with asyncio.timeout(0.4):
                        await context.wait_for_signal("never")
                except asyncio.TimeoutError:
                    return "out of time"
            return await asyncio.gather(count(), limited())
        """
    )
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == [4, "out of time"]
    assert [name for _, name, _ in journal(acme, outcome, "status")] == ["Queued", "Running", "Success"]


def test_a_finally_and_handlers_do_not_run_when_a_run_suspends(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Any
) -> None:
    workspace.add(
        """
        def note(file, what):
            with open(file, "a") as lines:
                lines.write(what + "\\n")

        @workflow(execution_mode="async")
        async def example(context, file: str):
            try:
                waits = [context.wait_for_signal("a"), context.wait_for_signal("b")]
                found = await asyncio.gather(*waits, return_exceptions=True)
                note(file, "gathered")
                return [str(each) for each in found]
            except BaseException:
                note(file, "caught")
                raise
            finally:
                note(file, "finally")
        """
    )
    worker.start()
    outcome = worker.submit("example", file=str(tmp_path / "lines"))
    wait_suspended(acme, outcome)
    signal(acme, outcome, "a", 1)
    wait_suspended(acme, outcome)
    signal(acme, outcome, "b", 2)

    assert worker.end_of(acme, outcome).result == ["1", "2"]
    assert (tmp_path / "lines").read_text().split() == ["gathered", "finally"]


def test_a_plain_function_waits_too(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @step
        def double(number):
            return number * 2

        @workflow(execution_mode="async")
        def example(context):
            first = double(1)
            context.sleep(1.2)
            body = context.wait_for_signal("go")
            return [first, body, double(2)]
        """
    )
    worker.start()
    outcome = worker.submit("example")
    eventually(lambda: len(journal(acme, outcome, "signal")) == 1, "wait for the signal")
    wait_suspended(acme, outcome)
    signal(acme, outcome, "go", "gone")

    end = worker.end_of(acme, outcome)
    assert (end.error, end.result) == (None, [2, "gone", 4])
