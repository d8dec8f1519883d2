"""Permits and circuits that code asks for itself, outside its steps."""

from __future__ import annotations

import pytest

from integrations.models import CircuitBreaker
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import Run, Workspace, journal
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.protecting import open_circuit, permits, state
from tests.workflows_app.engine.working import Worker, eventually

pytestmark = pytest.mark.usefixtures("no_circuits_known")


ASKS = """
    @workflow(execution_mode="async")
    async def example(context):
        for number in range(4):
            await context.rate_limit("crm", 2, per=2)
            context.log("info", f"permit {number}")
        try:
            await context.rate_limit("crm", 2, per=2, wait=False)
        except RateLimited as error:
            return [error.name, 0 < error.retry_after <= 2, error.error_type]
"""


def test_a_context_takes_permits_once_and_waits_without_a_worker(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ASKS)
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == ["crm", True, "RateLimited"]
    assert "Suspended" in [name for _, name, _ in journal(acme, outcome, "status")]
    assert len(journal(acme, outcome, "log")) == 4
    waits = [data["value"] for _, name, data in journal(acme, outcome, "step") if name == "rate_limit"]
    assert waits[:2] == [0, 0] and waits[2] > 1 and waits[4] > 0


def test_another_attempt_takes_a_permit_of_its_own(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", retry_policy={"max_attempts": 3, "initial_interval_seconds": 0})
        async def example(context):
            await context.rate_limit("crm", 10)
            if context.attempt < 3:
                raise IntegrationError("away", status_code=503)
            return context.attempt
        """
    )
    worker.start()
    assert worker.run("example").result == 3
    assert permits(acme) == 3


CIRCUIT = """
    @workflow(execution_mode="async")
    async def example(context, fails: int = 0, wait: bool = False):
        for number in range(fails):
            try:
                async with context.circuit_breaker("halopsa"):
                    raise IntegrationError("no", status_code=502)
            except IntegrationError as error:
                context.log("info", error.error_type)
        async with context.circuit_breaker("halopsa", when_open="wait" if wait else "fail"):
            await context.sleep(1.1)
        return "done"
"""


def test_a_circuit_around_some_code_is_asked_and_told_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(CIRCUIT)
    worker.start()

    outcome = worker.run("example", fails=4)

    assert outcome.result == "done"
    names = [name for _, name, _ in journal(acme, outcome, "step")]
    assert names == ["circuit_enter", "circuit_leave"] * 4 + ["circuit_enter"]
    with org_context(acme):
        assert len(CircuitBreaker.objects.get().failures) == 4
    failed = worker.run("example", fails=1)
    assert failed.error is not None
    assert failed.error["error"] == "CircuitBreakerOpen"
    assert failed.error["details"]["retry_after"] > 25


def test_a_circuit_around_some_code_may_be_waited_for(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(CIRCUIT)
    open_circuit(acme, 1.8)
    worker.start()

    outcome = worker.run("example", wait=True)

    assert (outcome.error, outcome.result) == (None, "done")
    assert state(acme) == "closed"
    statuses = [name for _, name, _ in journal(acme, outcome, "status")]
    assert statuses.count("Suspended") == 2


def test_a_plain_function_has_the_same(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        def example(context):
            context.rate_limit("crm", 5)
            with context.circuit_breaker("halopsa"):
                inside = context.get_variable("x", "inside")
            try:
                with context.circuit_breaker("halopsa"):
                    raise TimeoutError("no answer")
            except TimeoutError as error:
                return [inside, str(error)]
        """
    )
    assert run("example").result == ["inside", "no answer"]
    assert permits(acme) == 1
    with org_context(acme):
        assert CircuitBreaker.objects.get().reason == "TimeoutError"


def test_inside_a_step_they_are_plain_calls(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @step
        async def call(context):
            async with context.circuit_breaker("halopsa"):
                for _ in range(2):
                    await context.rate_limit("crm", 1, per=0.2)
            return "called"

        @workflow
        async def example(context):
            return await call()
        """
    )
    outcome = run("example")
    assert outcome.result == "called"
    assert {name for _, name, _ in journal(acme, outcome, "step")} == {"call"}
    assert permits(acme) == 1


def test_a_permit_alone_does_not_allow_that_a_lost_run_is_done_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, step: bool):
            await context.rate_limit("crm", 10)
            if step:
                await context.step("note", lambda: None)
            context.log("info", "passed")
            await asyncio.sleep(60 if not step or lost_once(context) else 0)
            return "again"

        seen = set()

        def lost_once(context):
            first = context.execution_id not in seen
            seen.add(context.execution_id)
            return first
        """
    )
    engine = worker.start()
    outcomes = [worker.submit("example", step=step) for step in (False, True)]
    for outcome in outcomes:
        eventually(lambda outcome=outcome: journal(acme, outcome, "log"), "permit")

    lose(engine)
    worker.start()

    ends = [worker.end_of(acme, outcome) for outcome in outcomes]
    assert ends[0].error is not None
    assert ends[0].error["error"] == "WorkerLost"
    assert (ends[1].error, ends[1].result) == (None, "again")
    assert permits(acme) == 2
