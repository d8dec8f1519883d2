"""POST /api/executions/{id}/fork: by whom, of what, from which operation on, and what the new one begins with."""

from __future__ import annotations

from uuid import UUID

import pytest

from orgs.permissions import EXECUTE_WORKFLOWS, VIEW_EXECUTIONS, VIEW_OWN_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app.models import Execution, ExecutionEvent

DONE = {"state": "done", "place": 0, "digest": "d", "value": 1}


def recorded(organization: OrganizationRecord, **fields: object) -> UUID:
    """An execution with two steps, of which the second one failed, and what it was told before each."""
    made = make_execution(organization, **{"status": "Failed", **fields})
    failed = {"state": "failed", "place": 1, "digest": "e", "error": {"error": "X", "message": "m", "details": {}}}
    make_events(
        organization,
        made,
        ("status", "Running", None),
        ("config", "region", {"value": {"present": True, "value": "eu"}}),
        ("step", "first", DONE),
        ("value", "uuid", {"value": "u"}),
        ("step", "second", {"state": "started", "place": 1, "digest": "e"}),
        ("step", "second", failed),
        ("value", "random", {"value": 0.5}),
    )
    with org_context(organization):
        ExecutionEvent.objects.filter(execution=made).update(number=0)
    return made


def begins_with(organization: OrganizationRecord, path: str) -> list[tuple[str, str]]:
    """The new execution's journal so far, as kinds and names."""
    with org_context(organization):
        events = ExecutionEvent.objects.filter(execution=path.rsplit("/", 1)[1]).order_by("seq")
        return [(event.kind, event.name) for event in events]


def test_a_fork_is_a_new_execution_with_the_same_input_linked_to_the_old_one(
    api: Api, acme: OrganizationRecord
) -> None:
    old = recorded(acme, input={"message": "hi", "times": 1})

    answer = api.post(f"/api/executions/{old}/fork?step=2")

    assert answer.status_code == 202 and answer.json()["status"] == "Queued"
    record = api.get(answer.json()["pollUrl"]).json()
    assert (record["forkedFrom"], record["retryOf"], record["trigger"]["type"]) == (str(old), None, "fork")
    assert record["inputData"] == {"message": "hi", "times": 1}
    told = begins_with(acme, answer.json()["pollUrl"])
    assert told == [("status", "Queued"), ("config", "region"), ("step", "first"), ("value", "uuid")]
    journal = api.get(f"{answer.json()['pollUrl']}/journal").json()["results"]
    assert journal[2]["data"] == {**DONE, "takenOver": str(old)}


def test_a_fork_at_the_first_operation_takes_over_only_what_was_told_before(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{recorded(acme)}/fork?step=1")
    assert begins_with(acme, answer.json()["pollUrl"]) == [("status", "Queued"), ("config", "region")]


def test_a_retry_takes_over_successes_and_asks_for_configs_anew(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{recorded(acme)}/retry")
    assert begins_with(acme, answer.json()["pollUrl"]) == [("status", "Queued"), ("step", "first")]


def test_a_fresh_retry_takes_over_nothing(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{recorded(acme)}/retry", {"fresh": True})
    assert begins_with(acme, answer.json()["pollUrl"]) == [("status", "Queued")]


def test_an_operation_that_does_not_exist_is_named(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{recorded(acme)}/fork?step=3")

    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["message"] == "The execution recorded 2 operations; there is no number 3."
    assert answer.json()["details"]["field"] == "step"
    with org_context(acme):
        assert Execution.objects.count() == 1


@pytest.mark.parametrize("query", ["", "?step=0", "?step=-1", "?step=first", "?step=1&step=2", "?Step=1"])
def test_a_bad_step_is_refused(api: Api, acme: OrganizationRecord, query: str) -> None:
    answer = api.post(f"/api/executions/{recorded(acme)}/fork{query}")
    assert refusal(answer) == (400, "ValidationError")


def test_what_recorded_nothing_cannot_be_forked(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{make_execution(acme)}/fork?step=1")
    assert answer.json()["message"] == "The execution recorded no operation; there is no number 1."


def test_what_goes_on_cannot_be_forked(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{recorded(acme, status='Suspended')}/fork?step=1")
    assert refusal(answer) == (409, "Conflict")


def test_another_organizations_execution_is_not_found(
    api: Api, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    theirs = recorded(globex)
    assert refusal(api.post(f"/api/executions/{theirs}/fork?step=2")) == (404, "NotFound")
    assert refusal(api.post("/api/executions/nonsense/fork?step=2")) == (404, "NotFound")
    for organization in (acme, globex):
        with org_context(organization):
            assert not Execution.objects.exclude(id=theirs).exists()


def test_a_fork_needs_the_permission_to_run_and_ones_own_or_the_permission_to_see(
    api_of: ApiOf, acme: OrganizationRecord
) -> None:
    old = recorded(acme)
    looking, running = api_of(acme, VIEW_EXECUTIONS), api_of(acme, EXECUTE_WORKFLOWS, VIEW_OWN_EXECUTIONS)
    assert refusal(looking.post(f"/api/executions/{old}/fork?step=1")) == (403, "PermissionError")
    assert refusal(running.post(f"/api/executions/{old}/fork?step=1")) == (404, "NotFound")
    both = api_of(acme, VIEW_EXECUTIONS, EXECUTE_WORKFLOWS)
    assert both.post(f"/api/executions/{old}/fork?step=1").status_code == 202
