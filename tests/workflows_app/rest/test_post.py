"""POST through everything: view, submit, engine, database and back."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from workflows_app import catalog
from workflows_app.engine import process

from .conftest import Api, ApiOf, refusal

SOURCE = """
    from bifrost import *

    @workflow(name="fails")
    async def fails(context, how: str):
        if how == "validation":
            raise ValidationError("Invalid email address", field="email")
        if how == "integration":
            raise IntegrationError(integration="msgraph", message="401", status_code=401)
        if how == "permission":
            raise PermissionError("Administrators only", required_role="admin")
        if how == "own":
            raise WorkflowException("Over the limit", error_type="BusinessError", details={"limit": 100})
        raise RuntimeError("at /srv/secret/place.py")

    @workflow(name="later", execution_mode="async")
    async def later(context): ...

    @workflow(name="approved", requires_approval=True)
    async def approved(context): ...

    @workflow(name="restricted", required_permission="canDoMagic")
    async def restricted(context): ...

    @workflow(name="secretive")
    async def secretive(context):
        return {"api_key": "made-up-key", "rows": list(range(150)), "text": "x" * 3000}
"""


@pytest.fixture
def engine(transactional_db: None, workspace: Path) -> Iterator[None]:
    (workspace / "endings.py").write_text(textwrap.dedent(SOURCE))
    catalog.refresh()
    process.configure("web")
    yield
    process.stop(grace=0)


@pytest.fixture
def api(engine: None, api_of: ApiOf, acme: OrganizationRecord) -> Api:
    return api_of(acme)


def record(api: Api, answer: Any) -> Any:
    return api.get(f"/api/executions/{answer.json()['executionId']}").json()


def test_a_run_answers_with_its_result_and_leaves_a_record(api: Api) -> None:
    response = api.post("/api/workflows/greet", {"message": "hi", "times": 2})
    assert response.status_code == 200, response.content
    body = response.json()
    assert body["status"] == "Success" and body["result"] == {"text": "HIHI", "org": "acme"}
    assert isinstance(body["durationMs"], int)
    found = record(api, response)
    assert found["inputData"] == {"message": "hi", "times": 2} and found["result"] == body["result"]
    assert [(line["level"], line["message"]) for line in found["logs"]] == [("info", "Greeting 2 times")]
    assert found["stateSnapshots"][0]["name"] == "greeted" and found["variables"] == {"times": 2}
    assert found["executedBy"]["kind"] == "token" and found["trigger"]["tokenName"] == "test"
    assert found["durationMs"] == body["durationMs"] and found["codeVersion"]


@pytest.mark.parametrize(
    ("how", "code", "error", "details"),
    [
        ("validation", 400, "ValidationError", {"field": "email"}),
        ("integration", 500, "IntegrationError", {"integration": "msgraph", "status_code": 401}),
        ("permission", 403, "PermissionError", {"required_role": "admin"}),
        ("own", 500, "BusinessError", {"limit": 100}),
        ("otherwise", 500, "InternalServerError", {}),
    ],
)
def test_a_failure_is_answered_as_documented_and_recorded(
    api: Api, how: str, code: int, error: str, details: Any
) -> None:
    response = api.post("/api/workflows/fails", {"how": how})
    assert refusal(response) == (code, error)
    assert response.json()["details"] == details
    assert b"/srv/secret" not in response.content
    found = record(api, response)
    assert found["status"] == "Failed"
    assert found["error"] == {name: response.json()[name] for name in ("error", "message", "details")}


@pytest.mark.parametrize(
    ("body", "field"), [({}, "message"), ({"message": 5}, "message"), ({"message": "a", "surplus": 1}, "surplus")]
)
def test_wrong_parameters_are_400_by_name_and_leave_no_record(api: Api, body: Any, field: str) -> None:
    response = api.post("/api/workflows/greet", body)
    assert refusal(response) == (400, "ValidationError")
    assert response.json()["details"]["field"] == field and response.json()["details"]["errors"][0]["field"] == field
    assert api.get("/api/executions").json()["results"] == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("nothing", (404, "NotFound")),
    ],
)
def test_what_cannot_run_is_refused(api: Api, name: str, answer: tuple[int, str]) -> None:
    assert refusal(api.post(f"/api/workflows/{name}")) == answer


def test_the_workflows_own_permission_is_asked_too(engine: None, api_of: ApiOf, acme: OrganizationRecord) -> None:
    plain = api_of(acme, "canExecuteWorkflows")
    assert refusal(plain.post("/api/workflows/restricted")) == (403, "PermissionError")
    assert api_of(acme, "canExecuteWorkflows", "canDoMagic").post("/api/workflows/restricted").status_code == 200


def test_the_result_is_exact_in_the_answer_and_in_the_record(api: Api) -> None:
    response = api.post("/api/workflows/secretive")
    exact = {"api_key": "made-up-key", "rows": list(range(150)), "text": "x" * 3000}
    assert response.json()["result"] == exact
    assert record(api, response)["result"] == exact


def test_the_same_idempotency_key_answers_with_the_same_execution(api: Api) -> None:
    key = {"Idempotency-Key": "order 7"}
    first = api.post("/api/workflows/greet", {"message": "hi"}, **key)
    again = api.post("/api/workflows/greet", {"message": "hi"}, **key)
    assert again.status_code == 200 and again.json() == first.json()
    other = api.post("/api/workflows/greet", {"message": "ho"}, **key)
    assert refusal(other) == (409, "Conflict")
    assert len(api.get("/api/executions").json()["results"]) == 1


def test_two_organizations_may_use_the_same_key(
    engine: None, api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    for organization in (acme, globex):
        api = api_of(organization)
        answer = api.post("/api/workflows/greet", {"message": "hi"}, **{"Idempotency-Key": "1"}).json()
        assert answer["result"]["org"] == organization.org_id
        assert [found["executionId"] for found in api.get("/api/executions").json()["results"]] == [
            answer["executionId"]
        ]


def test_without_an_organization_it_runs_for_the_msp_where_the_workflow_allows(
    engine: None, api_of: ApiOf, msp: OrganizationRecord
) -> None:
    assert api_of(msp).post("/api/workflows/whole_fleet").json()["result"] == "msp"
