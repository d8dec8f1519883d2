"""POST /api/workflows/{name}: what the view makes of a request, and of what `submit` answers. `submit` is played."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from bifrost.sdk.errors import ConfigurationError, PermissionError, TooLarge, ValidationError
from orgs import directory
from orgs.models import Domain
from orgs.records import OrganizationRecord
from workflows_app.errors import (
    IdempotencyConflict,
    PlatformUnavailable,
    TooManyWaiting,
    UnknownWorkflow,
)
from workflows_app.executions import Outcome

from .conftest import Api, ApiOf, Starts, refusal

GREET = "/api/workflows/greet"
ID = "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f"
POLL = f"/api/executions/{ID}"


def test_the_start_says_who_what_and_for_whom(api: Api, acme: OrganizationRecord, starts: Starts) -> None:
    api.post(GREET, {"message": "hi", "n": None}, **{"Idempotency-Key": "order 7"})
    [start] = starts.seen
    assert start.organization.id == acme.id and start.workflow == "greet"
    assert start.parameters == {"message": "hi", "n": None}
    assert start.actor.kind == "token" and start.trigger == {"type": "api", "tokenName": "test"}
    assert start.idempotency_key == "order 7"


def test_no_body_means_no_parameters(api: Api, starts: Starts) -> None:
    assert api.post(GREET, b"").status_code == 200
    assert starts.seen[0].parameters == {} and starts.seen[0].idempotency_key is None


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Success", "CompletedWithErrors"])
@pytest.mark.parametrize("result", [None, {"a": [1, "ü\N{GRINNING FACE}"]}, "text", 0, [], 10**100])
def test_a_run_that_ended_well_is_200_with_its_exact_result(api: Api, starts: Starts, status: str, result: Any) -> None:
    starts.answer = Outcome(ID, status, result, None, 7)
    response = api.post(GREET)
    assert response.status_code == 200 and response.headers["Content-Type"] == "application/json"
    assert response.json() == {"executionId": ID, "status": status, "result": result, "durationMs": 7}


@pytest.mark.parametrize("status", ["Queued", "PendingApproval", "Running", "Suspended"])
def test_a_run_that_goes_on_is_202_with_the_place_to_ask(api: Api, starts: Starts, status: str) -> None:
    starts.answer = Outcome(ID, status)
    response = api.post(GREET)
    assert response.status_code == 202 and response.headers["Location"] == POLL
    assert response.json() == {"executionId": ID, "status": status, "pollUrl": POLL}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ValidationError", 400),
        ("PermissionError", 403),
        ("ConfigurationError", 500),
        ("IntegrationError", 500),
        ("TimeoutError", 500),
        ("InternalServerError", 500),
        ("NotFound", 500),
        ("TooLarge", 500),
        ("AnAuthorsOwnError", 500),
    ],
)
def test_a_failed_run_answers_with_its_error(api: Api, starts: Starts, error: str, code: int) -> None:
    document = {"error": error, "message": "It failed.", "details": {"config_key": "a_key", "field": "x"}}
    starts.answer = Outcome(ID, "Failed", None, document, 7)
    response = api.post(GREET)
    assert response.status_code == code
    assert response.json() == {"executionId": ID, "status": "Failed", **document}


@pytest.mark.parametrize(("status", "code"), [("Cancelled", 409), ("Rejected", 409), ("Compensated", 500)])
def test_other_endings_answer_with_their_own_status_word(api: Api, starts: Starts, status: str, code: int) -> None:
    starts.answer = Outcome(ID, status)
    response = api.post(GREET)
    assert refusal(response) == (code, status)
    assert response.json()["status"] == status and response.json()["executionId"] == ID


@pytest.mark.parametrize(
    ("raised", "code", "error"),
    [
        (ValidationError("bad", field="a"), 400, "ValidationError"),
        (PermissionError("no", required_role="canDoIt"), 403, "PermissionError"),
        (UnknownWorkflow("none"), 404, "NotFound"),
        (IdempotencyConflict("taken", {"executionId": ID}), 409, "Conflict"),
        (TooLarge("big"), 413, "TooLarge"),
        (TooManyWaiting("busy", 3), 429, "TooManyRequests"),
        (ConfigurationError("missing", config_key="a"), 500, "ConfigurationError"),
        (PlatformUnavailable("away"), 503, "ServiceUnavailable"),
        (OperationalError("connection to 10.0.0.1 refused"), 503, "ServiceUnavailable"),
        (RuntimeError("secret /etc/path"), 500, "InternalServerError"),
        (RecursionError(), 500, "InternalServerError"),
    ],
)
def test_what_submit_raises_becomes_its_status(
    api: Api, starts: Starts, raised: Exception, code: int, error: str
) -> None:
    starts.answer = raised
    response = api.post(GREET)
    assert refusal(response) == (code, error)
    assert response.json()["executionId"] is None and response.json()["status"] == "Failed"
    assert b"10.0.0.1" not in response.content and b"/etc" not in response.content
    assert response.json()["details"] == getattr(raised, "details", {})


def test_too_many_waiting_says_when_to_come_back(api: Api, starts: Starts) -> None:
    starts.answer = TooManyWaiting("busy", 3)
    assert api.post(GREET).headers["Retry-After"] == "3"


def test_an_unexpected_error_is_logged(api: Api, starts: Starts, caplog: pytest.LogCaptureFixture) -> None:
    starts.answer = RuntimeError("what happened")
    api.post(GREET)
    assert "what happened" in caplog.text


# --- refused before anything starts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'{"a": NaN}', b'{"a": "\\u0000"}', b"\xff", b'{"a":' + b"[" * 200_000, b'{"a": "\\ud800"}']
)
def test_a_bad_body_is_400_and_nothing_starts(api: Api, starts: Starts, body: bytes) -> None:
    response = api.post(GREET, body)
    assert refusal(response) == (400, "ValidationError")
    assert response.json()["details"]["field"] and response.json()["details"]["errors"]
    assert not starts.seen


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_content_type_is_415(api: Api, starts: Starts, kind: str) -> None:
    response = api.post(GREET, b'{"message": "hi"}', content_type=kind)
    assert refusal(response) == (415, "UnsupportedMediaType")
    assert "application/json" in response.json()["message"] and not starts.seen


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"]
)
def test_json_by_any_name_is_taken(api: Api, starts: Starts, kind: str) -> None:
    assert api.post(GREET, {"message": "hi"}, content_type=kind).status_code == 200


@pytest.mark.parametrize("size", [1_000_001, 10_000_000])
def test_a_body_over_the_limit_is_413(api: Api, starts: Starts, size: int) -> None:
    response = api.post(GREET, b" " * size)
    assert refusal(response) == (413, "PayloadTooLarge")
    assert response.json()["details"] == {"limit_bytes": 1_000_000} and not starts.seen


def test_a_body_at_the_limit_is_taken(api: Api, starts: Starts) -> None:
    assert api.post(GREET, b'{"a": "' + b"x" * (1_000_000 - 9) + b'"}').status_code == 200


@pytest.mark.parametrize("key", ["x" * 256, "", " ", "a\tb", "schlüssel"])
def test_a_bad_idempotency_key_is_refused(api: Api, starts: Starts, key: str) -> None:
    response = api.post(GREET, **{"Idempotency-Key": key})
    assert refusal(response) == (400, "ValidationError")
    assert response.json()["details"]["field"] == "Idempotency-Key" and not starts.seen


def test_the_longest_idempotency_key_is_taken(api: Api, starts: Starts) -> None:
    assert api.post(GREET, **{"Idempotency-Key": "x" * 255}).status_code == 200


@pytest.mark.parametrize(("option", "dry"), [("?dryRun=true", True), ("?dryRun=false", None), ("", None)])
def test_a_start_may_be_a_dry_run(api: Api, starts: Starts, option: str, dry: bool | None) -> None:
    assert api.post(f"{GREET}{option}").status_code == 200
    assert starts.seen[0].trigger.get("dryRun") is dry


@pytest.mark.parametrize("option", ["dryRun=yes", "dryRun=", "dryrun=true", "message=hi", "x", "%00=1"])
def test_an_unknown_option_is_400(api: Api, starts: Starts, option: str) -> None:
    assert refusal(api.post(f"{GREET}?{option}")) == (400, "ValidationError")
    assert not starts.seen


# --- for which organization ------------------------------------------------------------------------------------------


def test_the_msps_token_names_the_organization_by_header(
    api_of: ApiOf, msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord, starts: Starts
) -> None:
    api = api_of(msp)
    for organization in (acme, globex):
        assert api.post(GREET, **{"X-Organization-Id": organization.org_id}).status_code == 200
    assert [start.organization.id for start in starts.seen] == [acme.id, globex.id]
    assert refusal(api.post(GREET, **{"X-Organization-Id": "nobody"})) == (404, "NotFound")


def test_without_an_organization_the_answer_names_the_header(
    api_of: ApiOf, msp: OrganizationRecord, starts: Starts
) -> None:
    for response in (api_of(msp).post(GREET), api_of(msp).get("/api/executions")):
        assert refusal(response) == (400, "ValidationError")
        assert response.json()["details"]["field"] == "X-Organization-Id"
        assert "X-Organization-Id" in response.json()["message"]
    assert not starts.seen


def test_a_workflow_that_needs_no_organization_runs_in_the_msps_own(
    api_of: ApiOf, msp: OrganizationRecord, acme: OrganizationRecord, starts: Starts
) -> None:
    assert api_of(msp).post("/api/workflows/whole_fleet").status_code == 200
    assert api_of(acme).post("/api/workflows/whole_fleet").status_code == 200
    assert [start.organization.id for start in starts.seen] == [msp.id, acme.id]


def test_another_organizations_header_is_403_whether_it_exists_or_not(
    api: Api, globex: OrganizationRecord, starts: Starts
) -> None:
    answers = [api.post(GREET, **{"X-Organization-Id": name}) for name in ("globex", "nobody")]
    assert {refusal(answer) for answer in answers} == {(403, "PermissionError")}
    assert answers[0].content == answers[1].content and not starts.seen


def test_the_permission_to_execute_is_needed(api_of: ApiOf, acme: OrganizationRecord, starts: Starts) -> None:
    response = api_of(acme, "canViewExecutions").post(GREET)
    assert refusal(response) == (403, "PermissionError")
    assert response.json()["details"] == {"required_permission": "canExecuteWorkflows"} and not starts.seen


def test_the_view_itself_asks_the_database_nothing(api: Api, starts: Starts) -> None:
    api.post(GREET)
    with CaptureQueriesContext(connection) as captured:
        api.post(GREET, {"message": "hi"})
    assert not captured.captured_queries


def test_the_host_name_says_for_which_organization(
    api_of: ApiOf, msp: OrganizationRecord, acme: OrganizationRecord, starts: Starts
) -> None:
    Domain.objects.create(tenant_id=acme.id, domain="acme.localhost")
    directory.forget()
    assert api_of(msp).post("/api/workflows/greet", {"message": "hi"}, Host="acme.localhost:7072").status_code == 200
    assert starts.seen[0].organization.id == acme.id


def test_another_organizations_host_name_is_refused(
    api_of: ApiOf, globex: OrganizationRecord, acme: OrganizationRecord, starts: Starts
) -> None:
    Domain.objects.create(tenant_id=acme.id, domain="acme.localhost")
    directory.forget()
    answer = api_of(globex).post("/api/workflows/greet", {"message": "hi"}, Host="acme.localhost:7072")
    assert refusal(answer) == (403, "PermissionError")
    assert starts.seen == []
