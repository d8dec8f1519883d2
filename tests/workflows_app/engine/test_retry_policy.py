"""A workflow with a retry policy: its attempts, the waits between them, and what the record keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.backing_off import let_be_due
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import waiting
from workflows_app.dispatch.models import Dispatch
from workflows_app.executions import Start, submit
from workflows_app.models import Execution

COUNTED = """
    def counted(file):
        with open(file, "a+") as f:
            f.write("x")
            f.seek(0)
            return len(f.read())
"""
FLAKY = (
    COUNTED
    + """
    @workflow(execution_mode="async", retry_policy={policy})
    async def flaky(context, file: str, fail: int = 2, error: str = "IntegrationError"):
        number = counted(file)
        context.log("info", f"attempt {{context.attempt}}")
        saved = context.get_checkpoint("seen")
        context.save_checkpoint("seen", number)
        if number <= fail:
            raise (ValidationError if error == "ValidationError" else IntegrationError)(f"failed {{number}}")
        return {{"attempt": context.attempt, "saved": saved}}
"""
)
QUICK = '{"max_attempts": 3, "initial_interval_seconds": 0.05, "backoff_multiplier": 2}'


def flaky(policy: str = QUICK) -> str:
    return FLAKY.format(policy=policy)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "attempts")


def test_it_is_tried_until_it_succeeds_and_every_error_stays_in_the_record(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, file: str
) -> None:
    workspace.add(flaky())
    worker.start()

    outcome = worker.run("flaky", file=file)

    assert outcome.status == "Success"
    assert outcome.result == {"attempt": 3, "saved": 2}, "a checkpoint of the attempt before is found"
    lines = journal(acme, outcome, "status", "error", "log")
    assert [(kind, name) for kind, name, _ in lines] == [
        ("status", "Queued"),
        ("status", "Running"),
        ("log", "info"),
        ("error", "IntegrationError"),
        ("status", "Suspended"),
        ("status", "Running"),
        ("log", "info"),
        ("error", "IntegrationError"),
        ("status", "Suspended"),
        ("status", "Running"),
        ("log", "info"),
        ("status", "Success"),
    ]
    assert [data["message"] for kind, _, data in lines if kind == "error"] == ["failed 1", "failed 2"]
    assert recorded(acme, outcome).attempt == 3


def test_after_the_last_attempt_it_fails_with_the_last_error(worker: Worker, workspace: Workspace, file: str) -> None:
    workspace.add(flaky())
    worker.start()

    outcome = worker.run("flaky", file=file, fail=9)

    assert outcome.status == "Failed" and outcome.error is not None
    assert outcome.error["message"] == "failed 3"
    assert Path(file).read_text() == "xxx"


@pytest.mark.parametrize(
    ("policy", "attempts"),
    [
        (QUICK, 1),
        ('{"max_attempts": 3, "initial_interval_seconds": 0, "retry_on": ["ValidationError"]}', 3),
        ('{"max_attempts": 3, "initial_interval_seconds": 0, "non_retryable": ["ValidationError"]}', 1),
    ],
)
def test_what_trying_again_does_not_change_is_not_tried_again_unless_listed(
    worker: Worker, workspace: Workspace, file: str, policy: str, attempts: int
) -> None:
    workspace.add(flaky(policy))
    worker.start()

    assert worker.run("flaky", file=file, fail=9, error="ValidationError").status == "Failed"
    assert len(Path(file).read_text()) == attempts


def test_the_wait_holds_no_worker_and_says_until_when(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, file: str
) -> None:
    workspace.add(flaky('{"max_attempts": 2, "initial_interval_seconds": 3600, "max_interval_seconds": 3600}'))
    engine = worker.start()

    outcome = worker.submit("flaky", file=file, fail=1)
    row = eventually(lambda: Dispatch.objects.filter(status="Suspended").first(), "wait for the next attempt")

    assert row.worker is None
    eventually(lambda: not engine.runs, "end of the first attempt in this process")
    told = waiting.waits_for(acme, row.execution, "Suspended")
    assert told is not None and told.startswith("attempt 1 of 2 failed; the next one begins in 3600.0 s (until 2")
    assert recorded(acme, outcome).status == "Suspended"

    let_be_due(acme, outcome)
    worker.wake()
    assert worker.end_of(acme, outcome).status == "Success"


def test_another_process_makes_the_next_attempt(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, file: str
) -> None:
    workspace.add(flaky('{"max_attempts": 2, "initial_interval_seconds": 0.3}'))
    worker.start()
    outcome = worker.submit("flaky", file=file, fail=1)
    eventually(lambda: Dispatch.objects.filter(status="Suspended").exists(), "wait for the next attempt")
    worker.stop()

    worker.start()

    assert worker.end_of(acme, outcome).result == {"attempt": 2, "saved": 1}


def test_all_attempts_together_may_not_take_longer_than_allowed(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", timeout_seconds=0.4, max_duration_seconds=0.6,
                  retry_policy={"max_attempts": 10, "initial_interval_seconds": 0})
        async def slow(context):
            await asyncio.sleep(60)
        """
    )
    worker.start()

    outcome = worker.run("slow")

    assert outcome.status == "Failed" and outcome.error is not None
    assert outcome.error["error"] == "TimeoutError"
    assert recorded(acme, outcome).attempt == 2
    assert outcome.error["message"] == "Workflow exceeded its maximum duration of 0.6 seconds"


def test_time_that_it_waits_does_not_count_as_running(worker: Worker, workspace: Workspace, file: str) -> None:
    workspace.add(flaky('{"max_attempts": 2, "initial_interval_seconds": 0.8}'))
    worker.start()

    outcome = worker.run("flaky", file=file, fail=1)

    assert outcome.duration_ms is not None and outcome.duration_ms < 700


def test_a_sync_run_whose_attempt_fails_answers_that_it_goes_on_and_a_worker_finishes_it(
    run: Run, worker: Worker, workspace: Workspace, acme: OrganizationRecord, file: str
) -> None:
    workspace.add(flaky().replace('execution_mode="async", ', ""))

    outcome = run("flaky", file=file, fail=1)
    assert outcome.status == "Suspended"
    worker.stop()

    worker.start()
    assert worker.end_of(acme, outcome).result == {"attempt": 2, "saved": 1}


def test_code_that_did_not_stop_is_not_tried_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", timeout_seconds=0.1, max_duration_seconds=60,
                  retry_policy={"initial_interval_seconds": 0})
        def stubborn(context):
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                try:
                    time.sleep(0.05)
                except BaseException:
                    pass
        """
    )
    worker.start()

    outcome = worker.run("stubborn")

    assert outcome.status == "Failed"
    messages = [data["message"] for _, _, data in journal(acme, outcome, "log")]
    assert "Not tried again: its code did not stop." in messages
    assert "The code did not stop; it may still be running." in messages
    assert recorded(acme, outcome).attempt == 1


def test_the_record_says_nothing_of_an_error_while_another_attempt_is_to_come(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, file: str
) -> None:
    workspace.add(flaky('{"max_attempts": 2, "initial_interval_seconds": 3600}'))
    worker.start()
    outcome = submit(Start(acme, "flaky", {"file": file, "fail": 1}, ADA))
    worker.wake()

    row: Execution = eventually(
        lambda: (found := recorded(acme, outcome)).status == "Suspended" and found, "suspended execution"
    )
    assert (row.error, row.completed_at, row.attempt) == (None, None, 2)
