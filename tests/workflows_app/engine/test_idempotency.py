"""The same Idempotency-Key answers with the same execution."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.errors import IdempotencyConflict
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Execution

from .conftest import ADA, Run, Workspace, caller

COUNTS = """
    runs = []

    @workflow(name="counts")
    async def counts(context, value: str):
        runs.append(value)
        await asyncio.sleep(0.2)
        return {"value": value, "runs": len(runs)}
"""


def start(organization: OrganizationRecord, value: str = "a", key: str = "key-1", actor: Actor = ADA) -> Outcome:
    return submit(Start(organization, "counts", {"value": value}, actor, idempotency_key=key))


def executions(organization: OrganizationRecord) -> int:
    with org_context(organization):
        return Execution.objects.count()


def test_the_second_start_with_a_key_gets_the_first_ones_answer(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(COUNTS)
    assert start(acme) == start(acme)
    assert executions(acme) == 1


def test_twenty_starts_at_once_run_once_and_all_get_its_answer(
    run: Run, workspace: Workspace, acme: OrganizationRecord, settings: object
) -> None:
    settings.WEB_THREADS = 200  # type: ignore[attr-defined]
    workspace.add(COUNTS)
    answers: list[Outcome] = []
    threads = [caller(lambda: answers.append(start(acme))) for _ in range(20)]
    for thread in threads:
        thread.join()
    assert len({answer.execution_id for answer in answers}) == 1
    assert {answer.status for answer in answers} == {"Success"}
    assert executions(acme) == 1


def test_the_same_key_with_other_parameters_is_a_conflict(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(COUNTS)
    first = start(acme, "a")
    with pytest.raises(IdempotencyConflict) as refused:
        start(acme, "b")
    assert refused.value.details == {"executionId": first.execution_id}
    assert executions(acme) == 1


def test_keys_of_different_people_and_organizations_do_not_meet(
    run: Run, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    workspace.add(COUNTS)
    bob = Actor("user", "22222222-2222-7222-8222-222222222222", "bob@acme.example", "Bob", ADA.permissions)
    ids = {start(acme).execution_id, start(acme, actor=bob).execution_id, start(globex).execution_id}
    assert len(ids) == 3


def test_a_key_is_free_again_after_a_day(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(COUNTS)
    first = start(acme)
    with org_context(acme):
        Execution.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert start(acme).execution_id != first.execution_id
