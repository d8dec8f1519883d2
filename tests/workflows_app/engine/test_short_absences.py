"""The database is away for a moment while a run asks something of the platform: its code does not hear of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError

from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.asking import answer, approvals, asked, wait_put_aside
from tests.workflows_app.engine.conftest import ADA, Workspace, journal
from tests.workflows_app.engine.test_children import COMMAND, children_of
from tests.workflows_app.engine.test_waits import signal
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import following, sending
from workflows_app.approvals import asking
from workflows_app.engine import auditing, children, continuing, protection, steps
from workflows_app.engine.lines import Lines
from workflows_app.errors import PlatformUnavailable
from workflows_app.executions import Outcome, Start, submit
from workflows_app.files import storing
from workflows_app.files.models import StoredFile
from workflows_app.models import Inbox

TIMES = 5
CLOSED = OperationalError("the connection is closed")
UNAVAILABLE = PlatformUnavailable("The database is away; the workflow was not run.")


class Away:
    """A function that meets a short absence in the engine's threads: before it has begun, or when it is done and only
    its answer is lost."""

    def __init__(self, function: Callable[..., Any], error: Exception, *, done: bool) -> None:
        self._function, self._error, self._done = function, error, done
        self.left = TIMES

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if not self.left or not threading.current_thread().name.startswith("engine-database"):
            return self._function(*arguments, **named)
        self.left -= 1
        if self._done:
            self._function(*arguments, **named)
        raise self._error


Arrange = Callable[..., Away]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Arrange:
    monkeypatch.setattr(protection, "AWAY_SECONDS", 0.05)
    monkeypatch.setattr(children, "AWAY_SECONDS", 0.05)

    def arrange(module: Any, name: str, error: Exception = CLOSED, *, done: bool = False) -> Away:
        absent = Away(getattr(module, name), error, done=done)
        monkeypatch.setattr(module, name, absent)
        return absent

    return arrange


FAMILY = """
    @workflow(execution_mode="async")
    async def asks(context):
        return await context.wait_for_signal("go")

    @workflow(execution_mode="async")
    async def runs(context):
        return await context.execute_workflow("asks")

    @workflow(execution_mode="async", requires_approval=True)
    async def approved(context):
        pass

    @workflow(execution_mode="async")
    async def runs_approved(context):
        return await context.execute_workflow("approved")

    @workflow(execution_mode="async")
    async def starts(context):
        return await (await context.start_workflow("asks"))

    @workflow(execution_mode="async")
    async def talks(context):
        handle = await context.start_workflow("asks")
        await handle.signal("go", 7)
        return await handle

    @workflow(execution_mode="async")
    async def gives_up(context):
        first = await context.first(child=context.execute_workflow("asks"), time=context.sleep(0.3))
        return [first.key, await context.wait_for_signal("end")]

    @workflow(execution_mode="async")
    async def asks_briefly(context):
        first = await context.first(go=context.wait_for_approval("Go?"), time=context.sleep(0.3))
        return [first.key, await context.wait_for_signal("end")]
"""


@pytest.fixture
def family(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(FAMILY)
    worker.start()
    return worker


def begun(organization: OrganizationRecord, workflow: str) -> Outcome:
    return submit(Start(organization, workflow, {}, COMMAND))


@pytest.mark.parametrize("workflow", ["runs", "starts"])
def test_a_childs_outcome_is_looked_up_again(
    family: Worker, acme: OrganizationRecord, away: Arrange, workflow: str
) -> None:
    outcome = begun(acme, workflow)
    wait_put_aside(acme, outcome)
    [child] = children_of(acme, outcome.execution_id)
    absent = away(following, "outcome_of")

    sending.signal(acme, child.id, "go", 7, ADA)
    family.wake()

    assert family.end_of(acme, outcome).result == 7
    assert absent.left == 0


@pytest.mark.parametrize("done", [False, True])
def test_a_child_is_started_once(family: Worker, acme: OrganizationRecord, away: Arrange, done: bool) -> None:
    absent = away(children, "queue", done=done)

    outcome = begun(acme, "starts")

    [child] = eventually(lambda: children_of(acme, outcome.execution_id), "child")
    sending.signal(acme, child.id, "go", 7, ADA)
    family.wake()
    assert family.end_of(acme, outcome).result == 7
    assert absent.left == 0
    assert len(children_of(acme, outcome.execution_id)) == 1


@pytest.mark.parametrize("error", [CLOSED, UNAVAILABLE])
@pytest.mark.parametrize("name", ["prepare", "begin"])
def test_a_child_that_cannot_begin_yet_begins_later(
    family: Worker, acme: OrganizationRecord, away: Arrange, name: str, error: Exception
) -> None:
    absent = away(children, name, error)

    outcome = begun(acme, "runs")

    wait_put_aside(acme, outcome)
    assert absent.left == 0
    [child] = children_of(acme, outcome.execution_id)
    sending.signal(acme, child.id, "go", 7, ADA)
    family.wake()
    assert family.end_of(acme, outcome).result == 7
    assert len(children_of(acme, outcome.execution_id)) == 1


@pytest.mark.parametrize("error", [CLOSED, UNAVAILABLE])
def test_one_that_was_written_when_the_answer_was_lost_is_found(
    family: Worker, acme: OrganizationRecord, away: Arrange, error: Exception
) -> None:
    absent = away(children, "queue", error, done=True)

    outcome = begun(acme, "runs_approved")

    wait_put_aside(acme, outcome)
    assert absent.left == 0
    [child] = children_of(acme, outcome.execution_id)
    sending.cancel(acme, child.id, ADA)
    family.wake()
    end = family.end_of(acme, outcome)
    assert end.error is not None and end.error["error"] == "Cancelled"


def test_one_that_is_given_up_before_it_can_begin_never_begins(
    family: Worker, acme: OrganizationRecord, away: Arrange
) -> None:
    absent = away(children, "begin", UNAVAILABLE)
    absent.left = 1_000_000

    outcome = begun(acme, "gives_up")

    eventually(lambda: journal(acme, outcome, "signal"), "end of the patience")
    absent.left = 0
    signal(acme, outcome, "end", "so")
    assert family.end_of(acme, outcome).result == ["time", "so"]
    assert children_of(acme, outcome.execution_id) == []


def test_a_child_whose_end_is_written_late_is_waited_for(
    family: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def quick(context):
            return 7

        @workflow(execution_mode="async")
        async def runs_quick(context):
            return await context.execute_workflow("quick")
        """,
        "workflows/quick.py",
    )
    finish, late = children.finish, []

    def impatient(child: Any, outcome: Any, patience: float) -> Any:
        try:
            return finish(child, outcome, 0.0)
        except PlatformUnavailable as error:
            late.append(error)
            raise

    monkeypatch.setattr(children, "finish", impatient)
    monkeypatch.setattr(Lines, "under_way", lambda lines: True)  # so that the journal writer writes it

    assert family.end_of(acme, begun(acme, "runs_quick")).result == 7
    assert len(late) == 1


def test_whether_a_child_has_failed_before_is_asked_again(
    family: Worker, workspace: Workspace, acme: OrganizationRecord, away: Arrange, tmp_path: Path
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def works(context, directory: str):
            from pathlib import Path
            try:
                (Path(directory) / "once").touch(exist_ok=False)
            except FileExistsError:
                return "works"
            raise ValidationError("once")

        @workflow(execution_mode="async", retry_policy={
            "max_attempts": 2, "initial_interval_seconds": 0.1, "retry_on": ["ValidationError"]})
        async def again(context, directory: str):
            return await (await context.start_workflow("works", {"directory": directory}))
        """,
        "workflows/again.py",
    )
    absent = away(following, "status_of")

    outcome = submit(Start(acme, "again", {"directory": str(tmp_path)}, COMMAND))

    assert family.end_of(acme, outcome).result == "works"
    assert absent.left == 0
    assert [child.status for child in children_of(acme, outcome.execution_id)] == ["Failed", "Success"]


@pytest.mark.parametrize("done", [False, True])
def test_a_child_that_is_given_up_is_cancelled(
    family: Worker, acme: OrganizationRecord, away: Arrange, done: bool
) -> None:
    absent = away(sending, "cancel_child", done=done)

    outcome = begun(acme, "gives_up")

    eventually(lambda: [child.status for child in children_of(acme, outcome.execution_id)] == ["Cancelled"], "cancel")
    eventually(lambda: absent.left == 0, "last absence")
    signal(acme, outcome, "end", "so")
    assert family.end_of(acme, outcome).result == ["time", "so"]


@pytest.mark.parametrize("done", [False, True])
def test_a_question_is_asked_once(paying: Worker, acme: OrganizationRecord, away: Arrange, done: bool) -> None:
    absent = away(asking, "ask", done=done)

    outcome = paying.submit("pay")

    wait_put_aside(acme, outcome)
    assert absent.left == 0
    answer(acme, asked(acme, outcome))
    assert paying.end_of(acme, outcome).result["approved"] is True
    assert len(approvals(acme, outcome)) == 1


@pytest.mark.parametrize("done", [False, True])
def test_a_signal_is_sent_once(family: Worker, acme: OrganizationRecord, away: Arrange, done: bool) -> None:
    absent = away(sending, "signal", done=done)

    outcome = begun(acme, "talks")

    assert family.end_of(acme, outcome).result == 7
    assert absent.left == 0
    with org_context(acme):
        assert Inbox.objects.filter(kind="signal").count() == 1


def test_a_run_that_waits_outlives_a_restart_of_the_database(paying: Worker, acme: OrganizationRecord) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)
    approval = asked(acme, outcome)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    answer(acme, approval)

    assert paying.end_of(acme, outcome).result["approved"] is True


def test_an_answer_is_looked_up_again(paying: Worker, acme: OrganizationRecord, away: Arrange) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)
    absent = away(asking, "answer")

    answer(acme, asked(acme, outcome))

    assert paying.end_of(acme, outcome).result["approved"] is True
    assert absent.left == 0


@pytest.mark.parametrize("done", [False, True])
def test_a_question_that_is_given_up_is_withdrawn(
    family: Worker, acme: OrganizationRecord, away: Arrange, done: bool
) -> None:
    absent = away(asking, "withdraw", done=done)

    outcome = begun(acme, "asks_briefly")

    eventually(lambda: [each.state for each in approvals(acme, outcome)] == ["withdrawn"], "withdrawal")
    eventually(lambda: absent.left == 0, "last absence")
    signal(acme, outcome, "end", "so")
    assert family.end_of(acme, outcome).result == ["time", "so"]
    assert len(journal(acme, outcome, "error")) == 0


KEEPING = """
    @workflow(execution_mode="async")
    async def keeps_a_file(context):
        file = await context.save_file("seven.txt", "7")
        return int(await context.read_file(file))

    @step(audit=True)
    async def seven() -> int:
        return 7

    @workflow(execution_mode="async")
    async def tells_the_auditors(context):
        return await seven()

    @workflow(execution_mode="async")
    async def hides_a_password(context):
        made = await context.step("make", lambda: {"password": "hunter2"})
        return len(made["password"])

    @workflow(execution_mode="async")
    async def goes_on_as_new(context, number: int = 0):
        if number < 7:
            await context.continue_as_new(number=7)
        return number
"""


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(
    ("workflow", "module", "name"),
    [
        ("keeps_a_file", storing, "store_for_run"),
        ("keeps_a_file", storing, "read_for_run"),
        ("tells_the_auditors", auditing, "perform"),
        ("hides_a_password", steps, "seal"),
        ("goes_on_as_new", continuing, "prepare"),
    ],
)
def test_what_a_run_keeps_is_kept_once(
    worker: Worker,
    workspace: Workspace,
    acme: OrganizationRecord,
    away: Arrange,
    workflow: str,
    module: Any,
    name: str,
    done: bool,
) -> None:
    workspace.add(KEEPING)
    worker.start()
    absent = away(module, name, done=done)

    outcome = begun(acme, workflow)

    assert worker.end_of(acme, outcome).result == 7
    assert absent.left == 0
    with org_context(acme):
        assert StoredFile.objects.count() == (workflow == "keeps_a_file")
        assert AuditEvent.objects.filter(operation="step.seven").count() == (workflow == "tells_the_auditors")
