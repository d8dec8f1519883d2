"""What workflows put into the audit log: in their caller's name, once, also across a loss; and who may go on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db.utils import OperationalError

from orgs import directory
from orgs.models import Membership
from orgs.records import Actor, OrganizationRecord
from tests.audit_log import events, log
from tests.factories import make_user
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.engine import platform
from workflows_app.executions import Start, submit

LINES = """
    async def reach(gate):
        import os
        while not os.path.exists(gate):
            await asyncio.sleep(0.05)
"""


def test_an_event_is_in_the_callers_name_with_its_execution(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            await context.audit("user.create", "ann@example.com", {"licence": "E3", "password": "hunter22"})
            await context.audit("user.create", "ann@example.com", {"licence": "E3"})
        """
    )
    outcome = run("example")

    assert outcome.status == "Success"
    assert log() == [("user.create", "resource:ann@example.com", "Ada")] * 2
    event = events()[0]
    assert (event.organization, event.execution) == (acme.id, UUID(outcome.execution_id))
    assert (event.actor_kind, event.actor_id, event.actor_email) == ("user", ADA.id, "ada@acme.example")
    assert event.metadata == {"licence": "E3", "password": "REDACTED"}
    ends = [data for _, name, data in journal(acme, outcome, "step") if data["state"] == "done"]
    assert len(ends) == 2 and {data["value"] for data in ends} == {None}


def test_a_plain_workflow_has_the_same_call(run: Run, workspace: Workspace) -> None:
    workspace.add(
        """
        @workflow
        def example(context):
            context.audit("user.create", 7)
        """
    )
    assert run("example").status == "Success"
    assert log() == [("user.create", "resource:7", "Ada")]


def test_a_secret_that_the_run_has_read_is_not_shown(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workflows_app.engine.run import Run as EngineRun

    async def read(self: EngineRun, name: str, previous: bool) -> str:
        return self._keep_secret(name, "correct horse")

    monkeypatch.setattr(EngineRun, "secret", read)
    workspace.add(
        """
        @step(audit=True)
        async def sign_in(phrase: str) -> None: ...

        @workflow
        async def example(context):
            phrase = await context.get_secret("phrase")
            await context.audit("signed.in", phrase, {"with": f"the {phrase}"})
            await sign_in(phrase)
        """
    )
    assert run("example").status == "Success"
    assert log() == [("signed.in", "resource:REDACTED", "Ada"), ("step.sign_in", ":", "Ada")]
    assert [event.metadata for event in events()] == [{"with": "the REDACTED"}, {"args": ["REDACTED"]}]


def test_a_run_that_was_lost_and_goes_on_leaves_one_event(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        LINES
        + """
    @step(audit=True)
    async def create(name: str) -> str:
        return name

    @workflow(execution_mode="async")
    async def example(context, gate: str):
        await context.audit("user.create", "ann")
        await create("ann")
        context.log("info", "here")
        await reach(gate)
        await context.audit("user.created", "ann")
        return await create("bob")
    """
    )
    engine = worker.start()
    outcome = worker.submit("example", gate=str(tmp_path / "gate"))
    eventually(lambda: journal(acme, outcome, "log"), "log line")

    lose(engine)
    (tmp_path / "gate").touch()
    worker.start()

    assert worker.end_of(acme, outcome).result == "bob"
    assert [operation for operation, _, _ in log()] == ["user.create", "step.create", "user.created", "step.create"]


@pytest.mark.parametrize("call", ['await context.audit("user.create", "ann")', 'await create("ann")'])
def test_a_loss_after_the_event_and_before_the_journal_leaves_one_event(
    worker: Worker,
    workspace: Workspace,
    acme: OrganizationRecord,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    """The event is written, and the process is lost before it hears of that."""
    workspace.add(
        f"""
        @step(audit=True)
        async def create(name: str) -> str:
            return name

        @workflow(execution_mode="async", retry_policy={{"max_attempts": 2}})
        async def example(context):
            {call}
            return "done"
        """
    )
    usual, lost = platform.perform, threading.Event()

    def writes_and_hangs(*arguments: Any) -> Any:
        usual(*arguments)
        lost.wait(20)
        raise OperationalError("Nobody hears of it.")

    modules = ("workflows_app.engine.run", "workflows_app.engine.auditing")
    for module in modules:
        monkeypatch.setattr(f"{module}.perform", writes_and_hangs)
    engine = worker.start()
    outcome = worker.submit("example")
    eventually(events, "event")

    lose(engine)
    for module in modules:
        monkeypatch.setattr(f"{module}.perform", usual)
    lost.set()
    worker.start()

    assert worker.end_of(acme, outcome).result == "done"
    assert len(events()) == 1


def test_a_step_that_fails_is_not_audited_and_one_that_is_tried_again_is_once(run: Run, workspace: Workspace) -> None:
    workspace.add(
        """
        tries = []

        @step(audit=True, retry_policy={"max_attempts": 2, "initial_interval": 0.01})
        async def create(name: str) -> str:
            tries.append(name)
            if len(tries) == 1:
                raise RuntimeError("not yet")
            return name

        @step(audit=True)
        def fails(name: str) -> None:
            raise RuntimeError("no")

        @workflow
        async def example(context):
            await create("ann")
            try:
                await fails("bob")
            except StepFailed:
                return "failed"
        """
    )
    assert run("example").result == "failed"
    assert log() == [("step.create", ":", "Ada")]
    assert events()[0].metadata == {"args": ["ann"]}


def test_a_key_that_the_author_gave_to_a_step_keeps_no_other_run_out_of_the_log(run: Run, workspace: Workspace) -> None:
    workspace.add(
        """
        @step(audit=True, idempotency_key="invoice-42")
        async def pay(context) -> None:
            for what in ("asked", "asked", "paid"):
                await context.audit(f"invoice.{what}", 42)

        @workflow
        async def example(context):
            await pay()
        """
    )
    assert run("example").status == run("example").status == "Success"
    once = ["invoice.asked", "invoice.paid", "step.pay"]
    assert [operation for operation, _, _ in log()] == once * 2


# --- Permissions --------------------------------------------------------------------------------------------------

GUARDED = """
    @workflow(execution_mode="async")
    async def guarded(context, gate: str = ""):
        import os
        context.require_permission("canDeleteUsers")
        context.log("info", "allowed")
        await context.step("first", lambda: 1)
        while gate and not os.path.exists(gate):
            await asyncio.sleep(0.05)
        context.require_permission("canDeleteUsers")
        return "deleted"
"""


def test_who_lacks_a_permission_is_told_which(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(GUARDED)
    worker.start()
    for role, status in (("operator", "Failed"), ("admin", "Success")):
        outcome = submit(Start(acme, "guarded", {}, _actor(acme, role)))
        worker.wake()
        end = worker.end_of(acme, outcome)
        assert end.status == status
        if end.error:
            assert (end.error["error"], end.error["message"]) == (
                "PermissionError",
                "This needs the permission canDeleteUsers.",
            )


def test_a_run_that_goes_on_is_answered_as_it_was_and_asked_anew_as_it_is(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(GUARDED)
    engine = worker.start()
    actor = _actor(acme, "admin")
    outcome = submit(Start(acme, "guarded", {"gate": str(tmp_path / "gate")}, actor))
    worker.wake()
    eventually(lambda: journal(acme, outcome, "log"), "log line")

    lose(engine)
    Membership.objects.filter(user=actor.id).update(role="operator")
    directory.forget()
    (tmp_path / "gate").touch()
    worker.start()

    end = worker.end_of(acme, outcome)
    assert (end.status, end.error and end.error["error"]) == ("Failed", "PermissionError")
    assert len(journal(acme, outcome, "log")) == 1
    answers = [data["value"] for _, name, data in journal(acme, outcome, "value") if name.startswith("permitted")]
    assert answers == [True, False]


def _actor(organization: OrganizationRecord, role: str) -> Actor:
    """As the resolver makes it: what the role allows is looked up again where a worker claims the run."""
    from orgs.permissions import role_permissions

    user = make_user(organization, role)
    return Actor("user", str(user.id), user.email, "Eve", role_permissions(role, msp=False))
