"""`context.notify`: a note to a person, left and sent once however often the run runs again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.core import mail

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, engine_stops, journal, recorded, run, workspace
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.alerts import notices as leaving
from workflows_app.alerts.sending import send_due
from workflows_app.executions import Start, submit
from workflows_app.models import Execution
from workflows_app.schedules.starting import ACTOR as THE_CLOCK

from .rows import notices, waiting

__all__ = ["engine_stops", "run", "workspace"]

NOTIFYING = """
    @workflow
    async def tells(context, to=None, subject: str = "Done"):
        return await context.notify(subject, "All is moved.", to=to)

    @workflow
    def tells_plainly(context):
        context.notify("Plain", "All is moved.", to="bob@acme.example")

    @workflow
    async def tells_in_a_step(context):
        async def work():
            await context.notify("First", "one")
            await context.notify("Second", "two")
            return "worked"
        return await context.step("work", work)

    @workflow(execution_mode="async")
    async def tells_and_waits(context):
        await context.notify("Before", "It waits now.")
        await context.wait_for_signal("go")
        await context.notify("After", "It has gone on.")
        return "done"
"""


@pytest.fixture(autouse=True)
def workflows(workspace: Workspace) -> None:
    workspace.add(NOTIFYING)


def test_it_goes_to_who_started_the_run(run: Run, acme: OrganizationRecord) -> None:
    outcome = run("tells")
    assert (outcome.status, outcome.result) == ("Success", None)
    [notice] = notices(acme)
    assert (notice.recipient, notice.email) == (f"user:{ADA.id}", "ada@acme.example")
    assert (notice.subject, notice.message, notice.workflow) == ("Done", "All is moved.", "tells")
    assert str(notice.execution) == outcome.execution_id and notice.read_at is None
    assert send_due() == 1 and mail.outbox[0].to == ["ada@acme.example"]


def test_it_goes_to_each_address_that_is_named_once(run: Run, acme: OrganizationRecord) -> None:
    run("tells", to=["Bob@acme.example", "bob@acme.example", "eve@acme.local"])
    assert [notice.recipient for notice in notices(acme)] == ["email:bob@acme.example", "email:eve@acme.local"]
    send_due()
    assert sorted(message.to[0] for message in mail.outbox) == ["bob@acme.example", "eve@acme.local"]


def test_a_plain_workflow_has_it_too(run: Run, acme: OrganizationRecord) -> None:
    assert run("tells_plainly").status == "Success"
    assert [notice.subject for notice in notices(acme)] == ["Plain"]


def test_it_is_a_step_in_the_journal(run: Run, acme: OrganizationRecord) -> None:
    steps = journal(acme, run("tells"), "step")
    assert [(name, data["state"]) for _, name, data in steps] == [("notify", "done")]


def test_inside_a_step_it_is_part_of_that_step(run: Run, acme: OrganizationRecord) -> None:
    outcome = run("tells_in_a_step")
    assert outcome.result == "worked"
    assert [notice.subject for notice in notices(acme)] == ["First", "Second"]
    assert {name for _, name, _ in journal(acme, outcome, "step")} == {"work"}


@pytest.mark.parametrize("to", ["nobody", ["bob@acme.example", "x"], [], "a@b.example\nBcc: c@d.example"])
def test_what_is_no_address_fails_before_anything_is_left(run: Run, acme: OrganizationRecord, to: Any) -> None:
    outcome = run("tells", to=to)
    assert outcome.error is not None
    assert (outcome.status, outcome.error["error"], outcome.error["details"]["field"]) == (
        "Failed",
        "ValidationError",
        "to",
    )
    assert notices(acme) == [] and waiting() == []


def test_a_run_that_nobody_started_has_to_say_to_whom(engine_stops: None, acme: OrganizationRecord) -> None:
    refused = submit(Start(acme, "tells", {}, THE_CLOCK))
    assert refused.error is not None and refused.error["error"] == "ValidationError"
    assert "say to= whom the notice is" in refused.error["message"]
    assert submit(Start(acme, "tells", {"to": "bob@acme.example"}, THE_CLOCK)).status == "Success"
    assert len(notices(acme)) == 1


def test_a_line_break_in_its_subject_does_not_break_the_e_mail(run: Run, acme: OrganizationRecord) -> None:
    run("tells", subject="two\r\nlines")
    assert send_due() == 1 and mail.outbox[0].subject == "two lines"


def test_another_attempt_may_say_something_else_in_the_same_place(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add("""
        @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
        async def tries(context):
            await context.notify(f"Attempt {context.attempt}", "It begins.")
            await context.notify("The same", "in both")
            raise LookupError("no")
    """)
    worker.start()
    assert worker.run("tries").status == "Failed"
    assert [notice.subject for notice in notices(acme)] == ["Attempt 1", "The same", "Attempt 2"]


# --- exactly once ---------------------------------------------------------------------------------------------------


def test_a_run_that_resumes_does_not_tell_again(worker: Worker, acme: OrganizationRecord) -> None:
    worker.start()
    outcome = worker.submit("tells_and_waits")
    _suspended(acme, outcome)
    assert [notice.subject for notice in notices(acme)] == ["Before"]
    sending.signal(acme, UUID(outcome.execution_id), "go", None, ADA, None)
    worker.wake()
    assert worker.end_of(acme, outcome).result == "done"
    assert [notice.subject for notice in notices(acme)] == ["Before", "After"]
    assert send_due() == 2 and len(mail.outbox) == 2


def test_a_step_that_was_lost_before_it_was_recorded_leaves_it_once(
    worker: Worker, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice is there, the journal does not know of it yet, and the worker is lost: the step runs again."""
    engine = worker.start()
    usual, asked = leaving.leave, []

    def leave_and_be_lost(*arguments: Any) -> int:
        left = usual(*arguments)
        asked.append(left)
        if len(asked) == 1:
            engine.lost()
        return left

    monkeypatch.setattr("workflows_app.engine.notices.leave", leave_and_be_lost)
    outcome = worker.submit("tells_and_waits")
    eventually(lambda: asked, "notice")
    with org_context(acme):
        Execution.objects.filter(id=outcome.execution_id).update(resumable=True)
    lose(engine)

    worker.start()
    worker.wake()
    _suspended(acme, outcome)
    assert asked == [1, 0]
    assert [notice.subject for notice in notices(acme)] == ["Before"] and waiting() == [("notice", "email", 0)]
    assert send_due() == 1


def _suspended(acme: OrganizationRecord, outcome: Any) -> None:
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspended execution")
