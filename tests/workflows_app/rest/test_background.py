"""Background runs through the API: their start, its options, cancel and retry."""

from __future__ import annotations

from pathlib import Path

import pytest

from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_EXECUTIONS, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app import catalog
from workflows_app.dispatch import settled
from workflows_app.dispatch.models import Dispatch, Priority, WorkflowSetting
from workflows_app.models import Execution

from .conftest import Api, ApiOf, refusal
from .rows import make_execution

LATER = """
from bifrost import workflow

@workflow(name="later", execution_mode="async")
async def later(context, number: int = 1):
    return number

@workflow(name="nightly", execution_mode="scheduled", schedule="0 3 * * *", expose_in_forms=False)
async def nightly(context):
    return 1

@workflow(name="approved", requires_approval=True)
async def approved(context):
    return 1
"""
START = "/api/workflows/later"


@pytest.fixture(autouse=True)
def background(workspace: Path) -> None:
    (workspace / "later.py").write_text(LATER)
    catalog.refresh()


def queued(api: Api, path: str = START) -> str:
    answer = api.post(path)
    assert answer.status_code == 202, answer.content
    id_: str = answer.json()["executionId"]
    return id_


def status_of(organization: OrganizationRecord, execution: str) -> str:
    with org_context(organization):
        return str(Execution.objects.get(id=execution).status)


@pytest.mark.parametrize(
    ("name", "status"), [("later", "Queued"), ("nightly", "Queued"), ("approved", "PendingApproval")]
)
def test_a_background_start_is_accepted_with_where_to_ask(api: Api, name: str, status: str) -> None:
    answer = api.post(f"/api/workflows/{name}")

    document = answer.json()
    poll = f"/api/executions/{document['executionId']}"
    assert answer.status_code == 202
    assert document == {"executionId": document["executionId"], "status": status, "pollUrl": poll}
    assert answer.headers["Location"] == poll
    record = api.get(poll).json()
    assert (record["status"], record["startedAt"], record["result"]) == (status, None, None)


def test_it_says_that_no_worker_runs(api: Api) -> None:
    assert api.get(f"/api/executions/{queued(api)}").json()["waitingFor"] == "a worker process: none is running"


# --- priority and wait -----------------------------------------------------------------------------------------------


def priority_of(execution: str) -> int:
    with shared_context():
        return int(Dispatch.objects.get(execution=execution).priority)


def test_a_token_starts_with_normal_priority(api: Api) -> None:
    assert priority_of(queued(api)) == Priority.NORMAL


def test_lowering_the_priority_is_free(api_of: ApiOf, acme: OrganizationRecord) -> None:
    assert priority_of(queued(api_of(acme, EXECUTE_WORKFLOWS), f"{START}?priority=low")) == Priority.LOW


def test_raising_it_needs_a_permission(api: Api, api_of: ApiOf, acme: OrganizationRecord) -> None:
    path = f"{START}?priority=high"
    assert priority_of(queued(api, path)) == Priority.HIGH

    answer = api_of(acme, EXECUTE_WORKFLOWS).post(path)
    assert refusal(answer) == (403, "PermissionError")
    assert "canRaisePriority" in answer.json()["message"]


@pytest.mark.parametrize(
    "option", ["priority=urgent", "priority=", "wait=31", "wait=-1", "wait=1.5", "wait=٣", "wait="]
)
def test_a_bad_option_is_refused_and_named(api: Api, option: str) -> None:
    answer = api.post(f"{START}?{option}")
    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["field"] == option.split("=", maxsplit=1)[0]
    with shared_context():
        assert not Dispatch.objects.exists()


def test_waiting_in_vain_answers_that_it_still_waits(api: Api) -> None:
    answer = api.post(f"{START}?wait=1")
    assert answer.status_code == 202 and answer.json()["status"] == "Queued"


# --- enabled or not, and limits --------------------------------------------------------------------------------------


def settle(organization: OrganizationRecord, workflow: str = "", **values: object) -> None:
    WorkflowSetting.objects.create(organization=organization.id, workflow=workflow, **values)
    settled.forget()


@pytest.mark.parametrize("workflow", ["later", ""])
def test_a_disabled_workflow_does_not_start(api: Api, acme: OrganizationRecord, workflow: str) -> None:
    settle(acme, workflow, enabled=False)

    answer = api.post(START)
    assert refusal(answer) == (403, "PermissionError")
    assert answer.json()["message"] == "'later' is disabled for acme."


def test_it_is_disabled_for_one_organization_alone(
    api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    settle(acme, "later", enabled=False)
    assert api_of(globex).post(START).status_code == 202


def test_over_the_rate_one_is_told_when_to_come_again(api: Api, acme: OrganizationRecord) -> None:
    settle(acme, "later", starts_per_minute=2)
    assert [api.post(START).status_code for _ in range(2)] == [202, 202]

    answer = api.post(START)
    assert refusal(answer) == (429, "TooManyRequests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_what_a_limit_holds_back_says_so(api: Api, acme: OrganizationRecord) -> None:
    settle(acme, "later", max_concurrent=1)
    first, second = queued(api), queued(api)
    with shared_context():
        Dispatch.objects.filter(execution=first).update(status="Running")

    told = api.get(f"/api/executions/{second}").json()["waitingFor"]
    assert told == "1 of at most 1 executions of later run"


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_cancelling_what_waits_ends_it(api: Api, acme: OrganizationRecord) -> None:
    execution = queued(api)

    answer = api.post(f"/api/executions/{execution}/cancel")

    assert answer.status_code == 202
    assert answer.json() == {
        "executionId": execution,
        "status": "Cancelled",
        "pollUrl": f"/api/executions/{execution}",
    }
    assert status_of(acme, execution) == "Cancelled"


def test_cancelling_an_approval_withdraws_it(api: Api) -> None:
    execution = queued(api, "/api/workflows/approved")
    assert api.post(f"/api/executions/{execution}/cancel").json()["status"] == "Cancelled"

    approvals = api.get("/api/approvals").json()["results"]
    assert [approval["state"] for approval in approvals] in ([], ["withdrawn"])


def test_cancelling_what_has_ended_is_a_conflict(api: Api, acme: OrganizationRecord) -> None:
    answer = api.post(f"/api/executions/{make_execution(acme)}/cancel")
    assert refusal(answer) == (409, "Conflict")
    assert answer.json()["details"] == {"status": "Success"}


@pytest.mark.parametrize("what", ["cancel", "retry"])
def test_another_organizations_execution_is_not_found(
    api: Api, api_of: ApiOf, globex: OrganizationRecord, what: str
) -> None:
    theirs = queued(api_of(globex))

    assert refusal(api.post(f"/api/executions/{theirs}/{what}")) == (404, "NotFound")
    assert status_of(globex, theirs) == "Queued"


@pytest.mark.parametrize("what", ["cancel", "retry"])
def test_no_execution_at_all_is_not_found(api: Api, what: str) -> None:
    for text in ("019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "nonsense"):
        assert refusal(api.post(f"/api/executions/{text}/{what}")) == (404, "NotFound")


def test_without_the_permission_to_manage_one_cancels_only_ones_own(
    api: Api, api_of: ApiOf, acme: OrganizationRecord
) -> None:
    mine, theirs = api_of(acme, EXECUTE_WORKFLOWS), queued(api)

    assert refusal(mine.post(f"/api/executions/{theirs}/cancel")) == (404, "NotFound")
    assert mine.post(f"/api/executions/{queued(mine)}/cancel").status_code == 202
    assert api_of(acme, MANAGE_EXECUTIONS).post(f"/api/executions/{theirs}/cancel").status_code == 202


def test_who_may_only_look_cancels_nothing(api: Api, api_of: ApiOf, acme: OrganizationRecord) -> None:
    answer = api_of(acme, VIEW_EXECUTIONS).post(f"/api/executions/{queued(api)}/cancel")
    assert refusal(answer) == (403, "PermissionError")


# --- retry -----------------------------------------------------------------------------------------------------------


def test_a_retry_is_a_new_execution_with_the_same_input_linked_to_the_old_one(
    api: Api, acme: OrganizationRecord
) -> None:
    old = make_execution(acme, workflow="later", input={"number": 7}, status="Failed")

    answer = api.post(f"/api/executions/{old}/retry")

    assert answer.status_code == 202 and answer.json()["status"] == "Queued"
    record = api.get(answer.json()["pollUrl"]).json()
    assert record["retryOf"] == str(old)
    assert record["inputData"] == {"number": 7}
    assert record["trigger"]["type"] == "retry"


def test_a_sync_workflow_is_run_again_in_the_background(api: Api, acme: OrganizationRecord) -> None:
    old = make_execution(acme, workflow="greet", input={"message": "hi"})
    assert api.post(f"/api/executions/{old}/retry").status_code == 202


def test_what_goes_on_cannot_be_started_again(api: Api) -> None:
    answer = api.post(f"/api/executions/{queued(api)}/retry")
    assert refusal(answer) == (409, "Conflict")
    assert answer.json()["message"] == "The execution has not ended: it is Queued."


def test_the_same_code_runs_again_though_it_has_changed(api: Api, acme: OrganizationRecord, workspace: Path) -> None:
    first = queued(api)
    api.post(f"/api/executions/{first}/cancel")
    before = api.get(f"/api/executions/{first}").json()["codeVersion"]
    (workspace / "later.py").write_text(LATER.replace("return number", "return -number"))
    catalog.refresh()

    by_old = api.post(f"/api/executions/{first}/retry", {"code": "same"}).json()["pollUrl"]
    by_new = api.post(f"/api/executions/{first}/retry", {"code": "current"}).json()["pollUrl"]

    assert api.get(by_old).json()["codeVersion"] == before
    assert api.get(by_new).json()["codeVersion"] != before


def test_code_that_was_not_kept_is_said_to_be_missing(api: Api, acme: OrganizationRecord) -> None:
    old = make_execution(acme, workflow="later", input={"number": 7}, code_version="f" * 64)
    answer = api.post(f"/api/executions/{old}/retry", {"code": "same"})
    assert refusal(answer) == (404, "NotFound")
    assert answer.json()["message"] == "The code of version ffffffffffff was not kept."


@pytest.mark.parametrize(
    ("body", "field"), [({"code": "old"}, "code"), ({"fresh": "yes"}, "fresh"), ({"Code": "same"}, "Code")]
)
def test_a_bad_retry_names_what_is_wrong(api: Api, acme: OrganizationRecord, body: dict[str, str], field: str) -> None:
    answer = api.post(f"/api/executions/{make_execution(acme)}/retry", body)
    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["field"] == field


def test_a_retry_needs_the_permission_to_run(api_of: ApiOf, acme: OrganizationRecord) -> None:
    answer = api_of(acme, VIEW_EXECUTIONS).post(f"/api/executions/{make_execution(acme)}/retry")
    assert refusal(answer) == (403, "PermissionError")
