"""Starting by a form: who may use forms needs no permission to run workflows, but for those that ask for one."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.sdk.errors import PermissionError
from orgs.permissions import EXECUTE_WORKFLOWS, SUBMIT_FORMS, role_permissions
from orgs.recalling import recalled_actor
from orgs.records import Actor, OrganizationRecord
from tests.factories import make_actor, make_user
from tests.workflows_app.engine.conftest import Run, Workspace, recorded
from tests.workflows_app.engine.working import Worker
from workflows_app import catalog
from workflows_app.dispatch.models import Dispatch, Priority
from workflows_app.executions import Outcome, Start, submit
from workflows_app.permissions import may_submit

FORM = {"type": "form", "formId": "f", "submissionId": "s"}
WORKFLOWS = """
    @workflow
    async def greet(context):
        return "hello"

    @workflow
    async def welcome(context):
        return await context.execute_workflow("greet")

    @workflow
    async def welcome_later(context):
        await (await context.start_workflow("greet")).result()
        return "welcomed"

    @workflow
    async def welcome_twice(context):
        return await context.execute_workflow("welcome")

    @workflow(required_permission="canResetPasswords")
    async def reset(context):
        return "reset"

    @workflow
    async def calls_reset(context):
        return await context.execute_workflow("reset")

    @workflow(expose_in_forms=False)
    async def hidden(context):
        return "hidden"

    @workflow
    async def calls_hidden(context):
        return await context.execute_workflow("hidden")

    @workflow(execution_mode="scheduled", schedule="0 3 * * *")
    async def nightly(context):
        return "night"

    @workflow(execution_mode="async")
    async def slow(context):
        return await context.execute_workflow("greet")

    @workflow
    async def again(context, left: int = 1):
        if left:
            await context.continue_as_new(left=left - 1)
        return "done"
"""
REQUESTER = make_actor(*role_permissions("requester", msp=False))


@pytest.fixture(autouse=True)
def workflows(run: Run, workspace: Workspace) -> None:
    workspace.add(WORKFLOWS)


def by_form(organization: OrganizationRecord, workflow: str, actor: Actor = REQUESTER, **fields: Any) -> Outcome:
    return submit(Start(organization, workflow, {}, actor, trigger=FORM, **fields))


def member(organization: OrganizationRecord) -> Actor:
    """A requester whose rights are found again later."""
    user = make_user(organization, "requester")
    return Actor("user", str(user.id), user.email, "Ada", REQUESTER.permissions)


def test_a_requester_starts_by_a_form_what_the_api_refuses(acme: OrganizationRecord) -> None:
    assert by_form(acme, "greet").result == "hello"

    with pytest.raises(PermissionError, match=EXECUTE_WORKFLOWS):
        submit(Start(acme, "greet", {}, REQUESTER))


@pytest.mark.parametrize("permissions", [(), (EXECUTE_WORKFLOWS,)])
def test_a_form_asks_for_the_permission_to_use_forms(acme: OrganizationRecord, permissions: tuple[str, ...]) -> None:
    with pytest.raises(PermissionError, match=SUBMIT_FORMS):
        by_form(acme, "greet", make_actor(*permissions))


@pytest.mark.parametrize("permissions", [(SUBMIT_FORMS,), (EXECUTE_WORKFLOWS, SUBMIT_FORMS)])
def test_a_workflows_own_permission_still_counts(acme: OrganizationRecord, permissions: tuple[str, ...]) -> None:
    with pytest.raises(PermissionError, match="canResetPasswords"):
        by_form(acme, "reset", make_actor(*permissions))

    assert by_form(acme, "reset", make_actor("canResetPasswords")).result == "reset"


@pytest.mark.parametrize(("workflow", "why"), [("hidden", "not exposed in forms"), ("nightly", "by its schedule")])
def test_what_is_not_for_forms_is_refused_whoever_asks(acme: OrganizationRecord, workflow: str, why: str) -> None:
    with pytest.raises(PermissionError, match=why):
        by_form(acme, workflow, make_actor("*"))


def test_pages_know_before_what_a_form_may_start() -> None:
    offered = {name for name, loaded in catalog.current().workflows.items() if may_submit(REQUESTER, loaded.spec)}

    assert offered == set(catalog.current().workflows) - {"reset", "hidden", "nightly"}
    assert not may_submit(make_actor(EXECUTE_WORKFLOWS), catalog.find("greet").spec)


# --- children --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workflow", "result"), [("welcome", "hello"), ("welcome_twice", "hello")])
def test_children_and_theirs_need_no_more_than_the_form(acme: OrganizationRecord, workflow: str, result: str) -> None:
    assert by_form(acme, workflow).result == result


def test_a_child_with_a_permission_of_its_own_asks_for_it(acme: OrganizationRecord) -> None:
    outcome = by_form(acme, "calls_reset")

    assert outcome.error is not None
    assert (outcome.error["error"], "canResetPasswords" in outcome.error["message"]) == ("PermissionError", True)


def test_what_no_form_may_start_may_still_be_a_child(acme: OrganizationRecord) -> None:
    assert by_form(acme, "calls_hidden").result == "hidden"


def test_children_of_a_run_that_no_form_started_ask_as_before(acme: OrganizationRecord) -> None:
    only_its_own = make_actor("canResetPasswords")

    outcome = submit(Start(acme, "reset", {}, only_its_own))
    assert outcome.result == "reset"
    with pytest.raises(PermissionError):
        submit(Start(acme, "welcome", {}, only_its_own))


def test_a_run_goes_on_anew_with_the_same_right(acme: OrganizationRecord, worker: Worker) -> None:
    waiting = by_form(acme, "again", member(acme), background=True)
    worker.start()

    assert worker.end_of(acme, waiting).result == "done"


# --- later, elsewhere ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", ["slow", "welcome_later"])
def test_a_worker_that_takes_it_over_knows_that_a_form_started_it(
    acme: OrganizationRecord, worker: Worker, workflow: str
) -> None:
    waiting = by_form(acme, workflow, member(acme), background=True)
    worker.start()

    assert worker.end_of(acme, waiting).status == "Success"


def test_whoever_came_by_a_public_link_may_go_on_and_do_nothing_else(acme: OrganizationRecord, worker: Worker) -> None:
    stranger = make_actor(SUBMIT_FORMS, kind="public", name="Public link")
    waiting = by_form(acme, "slow", stranger)
    worker.start()

    assert worker.end_of(acme, waiting).result == "hello"
    assert recalled_actor(recorded(acme, waiting).executed_by, acme).permissions == {SUBMIT_FORMS}


@pytest.mark.parametrize(
    ("kind", "priority"), [("user", Priority.HIGH), ("public", Priority.HIGH), ("token", Priority.NORMAL)]
)
def test_people_come_first(acme: OrganizationRecord, kind: str, priority: Priority) -> None:
    by_form(acme, "slow", make_actor(SUBMIT_FORMS, kind=kind))

    assert Dispatch.objects.get().priority == priority
