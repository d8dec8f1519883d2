"""Permits and circuits: what stands between a step's attempts and an outside service, also across a suspension."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from integrations import breakers, rates
from integrations.models import CircuitBreaker
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.outside import platforms_address
from tests.workflows_app.engine.conftest import Run, Workspace, journal
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.protecting import open_circuit, permits, state
from tests.workflows_app.engine.test_waits import wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine.protection import afresh
from workflows_app.timeline import told

pytestmark = pytest.mark.usefixtures("no_circuits_known")


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_has_died_is_replaced(acme: OrganizationRecord) -> None:
    rate = rates.RateLimit("crm", 5, 60)
    assert rates.take(acme, rate, reserve=False) == 0
    with psycopg.connect(platforms_address(), autocommit=True) as another:
        another.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])

    assert afresh(lambda: rates.take(acme, rate, reserve=False)) == 0
    assert permits(acme) == 2


CALLS = """
    @step(circuit_breaker="HaloPSA")
    async def call(answer):
        if answer == "slow":
            raise TimeoutError("no answer")
        if isinstance(answer, int):
            raise IntegrationError("no", integration="halopsa", status_code=answer)
        return answer

    @workflow
    async def example(context, answers: list):
        told = []
        for answer in answers:
            try:
                told.append(await call(answer))
            except WorkflowException as error:
                told.append(error.error_type)
                retry_after = getattr(error, "retry_after", None)
        return told
"""


@pytest.mark.parametrize("failure", [500, 503, "slow"])
def test_a_step_that_fails_by_its_service_opens_the_circuit(
    run: Run, workspace: Workspace, acme: OrganizationRecord, failure: Any
) -> None:
    workspace.add(CALLS)

    told = run("example", answers=[failure] * 5 + ["fine"]).result

    assert told[5] == "CircuitBreakerOpen"
    assert "CircuitBreakerOpen" not in told[:5]
    assert state(acme) == "open"


def test_what_the_service_answers_does_not_count(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(CALLS)
    assert run("example", answers=[404] * 6 + ["fine"]).result[-1] == "fine"
    with org_context(acme):
        assert not CircuitBreaker.objects.exists()


def test_the_trial_closes_it_where_the_service_answers(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(CALLS)
    open_circuit(acme, 0)
    assert run("example", answers=[503]).result == ["IntegrationError"]
    assert state(acme) == "open"
    breakers.close(acme, "halopsa")
    open_circuit(acme, 0)
    assert run("example", answers=[404, "fine"]).result == ["IntegrationError", "fine"]
    assert state(acme) == "closed"


def test_an_open_circuit_is_a_failed_attempt_and_the_policy_tries_again(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        tried = []

        @step(circuit_breaker="halopsa", retry_policy={"max_attempts": 5, "initial_interval": 0.4})
        async def call():
            tried.append(step_info().attempt)
            return tried

        @workflow
        async def example(context):
            return await call()
        """
    )
    open_circuit(acme, 0.5)

    outcome = run("example")

    assert outcome.result in ([2], [3])
    lines = [data for _, _, data in journal(acme, outcome, "step")]
    assert {data["error"]["error"] for data in lines if data["state"] == "retrying"} == {"CircuitBreakerOpen"}
    assert lines[0]["error"]["details"]["integration"] == "halopsa"
    assert state(acme) == "closed"


WAITS = """
    @step(circuit_breaker="halopsa", when_open="wait")
    async def call(file):
        with open(file, "a") as lines:
            lines.write(f"{step_info().attempt}\\n")
        return "called"

    @workflow(execution_mode="async")
    async def example(context, file: str):
        return await call(file)
"""


def test_a_step_that_waits_for_its_service_needs_no_worker_and_counts_no_attempt(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(WAITS)
    open_circuit(acme, 2.5)
    worker.start()

    outcome = worker.submit("example", file=str(tmp_path / "lines"))

    wait_suspended(acme, outcome)
    assert Dispatch.objects.get().reason.startswith("waits for the circuit of 'halopsa', for the step 'call', until 20")
    end = worker.end_of(acme, outcome)
    assert (end.error, end.result) == (None, "called")
    assert (tmp_path / "lines").read_text() == "1\n"
    lines = journal(acme, outcome, "step")
    assert [data["state"] for _, _, data in lines] == ["waiting", "done"]
    assert told(*lines[0]) == ("call waits for the circuit of 'halopsa'", None)
    assert state(acme) == "closed"


def test_it_goes_on_waiting_where_the_trial_has_failed(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(WAITS)
    open_circuit(acme, 0)
    trial = breakers.admit(acme, "halopsa")  # another's
    worker.start()
    outcome = worker.submit("example", file=str(tmp_path / "lines"))
    wait_suspended(acme, outcome)

    breakers.report(acme, trial, "failed")
    first = Dispatch.objects.get().run_at
    eventually(lambda: Dispatch.objects.get().run_at > first + timedelta(seconds=15), "longer wait")

    assert not (tmp_path / "lines").exists()
    assert [data["state"] for _, _, data in journal(acme, outcome, "step")] == ["waiting"]


LIMITED = """
    @step(rate_limit={"key": "crm", "limit": 1, "per": 2})
    async def call(number):
        return number

    @workflow(execution_mode="async")
    async def example(context):
        first = await call(1)
        await context.sleep(1.1)
        return [first, await call(2), await call(3)]
"""


def test_a_step_waits_for_its_permit_without_a_worker_and_replay_takes_none(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, taken: list[float]
) -> None:
    workspace.add(LIMITED)
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == [1, 2, 3]
    statuses = [name for _, name, _ in journal(acme, outcome, "status")]
    assert statuses.count("Suspended") >= 2  # the function ran three times from its top
    assert len(taken) == 3
    assert taken[0] == 0 and taken[2] > 1


def test_a_permit_that_a_run_waits_for_is_kept_when_its_worker_is_lost(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, taken: list[float]
) -> None:
    workspace.add(
        """
        @step(rate_limit={"key": "crm", "limit": 1, "per": 3})
        async def call():
            return "called"

        @workflow(execution_mode="async")
        async def example(context):
            async def other():
                await asyncio.sleep(60)
            asyncio.ensure_future(other())  # keeps the run in its process
            return await call()
        """
    )
    assert rates.take(acme, rates.RateLimit("crm", 1, 3), reserve=False) == 0
    engine = worker.start()
    outcome = worker.submit("example")
    eventually(lambda: journal(acme, outcome, "step"), "wait for the permit")

    lose(engine)
    worker.start()

    assert worker.end_of(acme, outcome).result == "called"
    # The one before, and one for this run: another would be due three seconds later.
    assert len(taken) == 2
    assert 0 < taken[1] <= 3


def test_a_trial_is_not_held_while_a_step_waits_for_a_permit(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @step(circuit_breaker="halopsa", rate_limit={"key": "crm", "limit": 1, "per": 0.6})
        async def call():
            return "called"

        @workflow
        async def example(context):
            return [await call(), await call()]
        """
    )
    rates.take(acme, rates.RateLimit("crm", 1, 0.6), reserve=True)
    open_circuit(acme, 0)

    assert run("example").result == ["called", "called"]
    assert state(acme) == "closed"
