"""Who starts an execution again takes over what it did well; who forks it, what came before one of its operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bifrost.sdk.errors import ValidationError
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import retrying
from workflows_app.engine import process
from workflows_app.errors import NotEnded, UnknownExecution
from workflows_app.executions import Outcome
from workflows_app.models import Execution, ExecutionEvent

# Each step notes outside that it was done.
THREE = """
    from pathlib import Path
    DONE = Path({done!r})

    def note(what):
        with DONE.open("a") as file:
            file.write(what + "\\n")
        return what

    @step
    async def create(name):
        note(f"create {{name}}")
        return {{"name": name, "password": "s3cret-" + name}}

    @step
    async def enable(account, mark):
        note(f"enable {{account['password']}}")
        if not DONE.with_suffix(".fixed").exists():
            raise IntegrationError("away")
        return mark

    @step
    def tell(what):
        return note(f"tell {{what}}")

    @workflow(execution_mode="async")
    async def onboard(context, name: str = "ann"):
        account = await create(name)
        mark = str(context.uuid())
        twice = await asyncio.gather(tell(mark), tell("all"))
        await enable(account, mark)
        await tell("end")
        return [account, len(twice)]
"""


@pytest.fixture
def done(tmp_path: Path) -> Path:
    return tmp_path / "done"


def fixed(done: Path) -> None:
    done.with_suffix(".fixed").touch()


def told(done: Path) -> list[str]:
    """What was done since the last call."""
    lines = done.read_text().splitlines() if done.exists() else []
    done.unlink(missing_ok=True)
    return lines


@pytest.fixture
def failed(worker: Worker, workspace: Workspace, done: Path) -> Outcome:
    """An execution whose fourth operation, `enable`, failed."""
    workspace.add(THREE.format(done=str(done)))
    worker.start()
    outcome = worker.run("onboard")
    assert outcome.status == "Failed"
    assert [line.split()[0] for line in told(done)] == ["create", "tell", "tell", "enable"]
    return outcome


def again(worker: Worker, acme: OrganizationRecord, outcome: Outcome, **how: Any) -> Outcome:
    started = retrying.start_again(acme, UUID(outcome.execution_id), ADA, **how)
    worker.wake()
    return worker.end_of(acme, started)


def forked(worker: Worker, acme: OrganizationRecord, outcome: Outcome, step: int) -> Outcome:
    started = retrying.fork(acme, UUID(outcome.execution_id), step, ADA)
    worker.wake()
    return worker.end_of(acme, started)


# --- retry -----------------------------------------------------------------------------------------------------------


def test_a_retry_does_only_what_was_not_done_well(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    fixed(done)

    end = again(worker, acme, failed)

    assert end.result == [{"name": "ann", "password": "s3cret-ann"}, 2], "exactly, and not as the journal shows it"
    assert told(done) == ["enable s3cret-ann", "tell end"]


def test_its_journal_holds_what_was_taken_over_and_says_so(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    fixed(done)

    end = again(worker, acme, failed)

    steps = [(name, data["state"], data.get("takenOver")) for _, name, data in journal(acme, end, "step")]
    old = failed.execution_id
    assert sorted(steps[:3]) == [("create", "done", old), ("tell", "done", old), ("tell", "done", old)]
    assert steps[3:] == [("enable", "done", None), ("tell", "done", None)]
    with org_context(acme):
        numbers = (
            ExecutionEvent.objects.filter(execution=end.execution_id).order_by("seq").values_list("seq", flat=True)
        )
        assert list(numbers) == list(range(1, len(numbers) + 1))
        assert "s3cret" not in str(list(ExecutionEvent.objects.filter(execution=end.execution_id).values("data")))


def test_a_fresh_retry_takes_over_nothing(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    fixed(done)

    end = again(worker, acme, failed, fresh=True)

    assert end.status == "Success"
    assert [line.split()[0] for line in told(done)] == ["create", "tell", "tell", "enable", "tell"]


def test_several_at_once_take_over_each_its_own(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    other = worker.run("onboard", name="bob")
    told(done)
    fixed(done)

    ids = [UUID(failed.execution_id), UUID(other.execution_id)]
    started = retrying.start_all_again(acme, ids, ADA)
    worker.wake()

    ends = [worker.end_of(acme, each) for each in started]
    assert [end.result[0]["name"] for end in ends] == ["ann", "bob"]
    assert sorted(told(done)) == ["enable s3cret-ann", "enable s3cret-bob", "tell end", "tell end"]


def test_a_retry_of_a_retry_takes_over_what_both_did(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    second = again(worker, acme, failed)
    assert second.status == "Failed" and told(done) == ["enable s3cret-ann"]
    fixed(done)

    third = again(worker, acme, second)

    assert third.status == "Success" and told(done) == ["enable s3cret-ann", "tell end"]


def test_a_step_with_other_arguments_is_done_anew(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    workspace.add(THREE.format(done=str(done)).replace('tell("all")', 'tell("everybody")'))
    worker.stop()
    worker.start()
    fixed(done)

    end = again(worker, acme, failed)

    assert end.status == "Success"
    assert told(done) == ["tell everybody", "enable s3cret-ann", "tell end"]


def test_what_was_undone_is_not_taken_over(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    with org_context(acme):
        Execution.objects.filter(id=failed.execution_id).update(status="Compensated")
    fixed(done)

    assert again(worker, acme, failed).status == "Success"
    assert told(done)[0] == "create ann"


WAITS = """
    @step
    async def ask(what):
        return what

    @workflow(execution_mode="async")
    async def waits(context):
        first = await context.wait_for_signal("go")
        second = await context.wait_for_signal("on", timeout=0.01, default=None)
        if second is None:
            raise ValidationError("nobody came")
        return [first, second]
"""


def test_a_signal_that_came_is_taken_over_and_one_that_did_not_come_in_time_is_waited_for_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(WAITS)
    worker.start()
    old = worker.submit("waits")
    wait_suspended(acme, old)
    signal(acme, old, "go", {"token": "abc-123-def"})
    assert worker.end_of(acme, old).status == "Failed"
    workspace.add(WAITS.replace("timeout=0.01, default=None", "timeout=60"))
    worker.stop()
    worker.start()

    new = retrying.start_again(acme, UUID(old.execution_id), ADA)
    worker.wake()
    wait_suspended(acme, new)
    signal(acme, new, "on", 2)

    assert worker.end_of(acme, new).result == [{"token": "abc-123-def"}, 2], "its own first entry, not the old one's"


def test_what_was_taken_over_is_told_again_after_a_loss_and_a_suspension(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    source = THREE.format(done=str(done))
    workspace.add(source.replace("await enable(account", 'await context.wait_for_signal("go"); await enable(account'))
    worker.stop()
    worker.start()
    fixed(done)
    new = retrying.start_again(acme, UUID(failed.execution_id), ADA)
    worker.wake()
    wait_suspended(acme, new)
    lose(process.engine())
    with org_context(acme):
        ExecutionEvent.objects.filter(execution=failed.execution_id).delete()
    worker.start()
    signal(acme, new, "go")

    assert worker.end_of(acme, new).result[0]["password"] == "s3cret-ann"
    assert told(done) == ["enable s3cret-ann", "tell end"]


def test_a_signal_is_told_again_exactly_though_it_is_shown_redacted(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(WAITS.replace("timeout=0.01, default=None", "timeout=60"))
    worker.start()
    outcome = worker.submit("waits")
    wait_suspended(acme, outcome)
    signal(acme, outcome, "go", {"token": "abc-123-def"})
    eventually(lambda: ("signal", "on") in [line[:2] for line in journal(acme, outcome)], "second wait")
    wait_suspended(acme, outcome)
    signal(acme, outcome, "on", 2)
    assert worker.end_of(acme, outcome).result == [{"token": "abc-123-def"}, 2]
    assert "abc-123" not in str(journal(acme, outcome))


# --- fork ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "does"),
    [
        (1, ["create", "tell", "tell", "enable", "tell"]),
        (2, ["tell", "tell", "enable", "tell"]),
        (4, ["enable", "tell"]),
        (5, ["tell"]),
    ],
)
def test_a_fork_does_only_the_operations_from_that_one_on(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, done: Path, step: int, does: list[str]
) -> None:
    fixed(done)
    good = again(worker, acme, failed, fresh=True)
    told(done)

    end = forked(worker, acme, good, step)

    assert end.result == good.result
    assert [line.split()[0] for line in told(done)] == does


def test_a_fork_is_linked_and_runs_the_current_code(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, failed: Outcome, done: Path
) -> None:
    fixed(done)
    workspace.add(THREE.format(done=str(done)).replace("len(twice)", '"changed"'))
    worker.stop()
    worker.start()

    end = forked(worker, acme, failed, 4)

    assert end.result[1] == "changed"
    row = recorded(acme, end)
    assert row.trigger == {"type": "fork", "forkedFrom": failed.execution_id, "step": 4}
    assert (row.retry_of, row.input) == (None, {"name": "ann"})
    assert row.code_version != recorded(acme, failed).code_version


def test_a_failure_before_the_step_is_told_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        tried = []

        @step
        async def fragile():
            tried.append(1)
            raise IntegrationError("away")

        @workflow(execution_mode="async")
        async def example(context):
            try:
                await fragile()
            except IntegrationError as error:
                said = str(error)
            return [said, await context.step("count", lambda: len(tried))]
        """
    )
    worker.start()
    old = worker.run("example")
    assert old.result[1] == 1

    assert forked(worker, acme, old, 2).result == old.result


def test_a_step_of_another_attempt_is_the_last_one(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        f"""
        from pathlib import Path
        GATE = Path({str(tmp_path / "gate")!r})

        @step
        async def fragile():
            if not GATE.exists():
                GATE.touch()
                raise IntegrationError("away")
            GATE.unlink()
            return "done"

        @workflow(execution_mode="async", retry_policy={{"max_attempts": 2, "initial_interval_seconds": 0}})
        async def example(context):
            return [await fragile(), await context.step("after", lambda: context.attempt)]
        """
    )
    worker.start()
    old = worker.run("example")
    assert old.result == ["done", 2]

    # fragile failed, fragile, after
    assert forked(worker, acme, old, 3).result == ["done", 1]
    assert forked(worker, acme, old, 2).result == ["done", 2], "it is done anew, and fails once"


@pytest.mark.parametrize("step", [0, 5])
def test_an_operation_that_was_not_recorded_is_none(
    worker: Worker, acme: OrganizationRecord, failed: Outcome, step: int
) -> None:
    with pytest.raises(ValidationError, match=f"The execution recorded 4 operations; there is no number {step}"):
        retrying.fork(acme, UUID(failed.execution_id), step, ADA)


def test_another_organizations_execution_is_not_forked(
    worker: Worker, globex: OrganizationRecord, failed: Outcome
) -> None:
    with pytest.raises(UnknownExecution):
        retrying.fork(globex, UUID(failed.execution_id), 1, ADA)


def test_what_goes_on_is_not_forked(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(WAITS)
    worker.start()
    outcome = worker.submit("waits")
    wait_suspended(acme, outcome)
    with pytest.raises(NotEnded):
        retrying.fork(acme, UUID(outcome.execution_id), 1, ADA)
