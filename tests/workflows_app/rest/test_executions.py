"""GET /api/executions and what lies below it, for two organizations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.http import HttpResponse
from uuid6 import uuid7

from integrations import sealing
from integrations.errors import VaultUnavailable
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from workflows_app.dispatch.models import Dispatch, Worker

from .conftest import Api, ApiOf, refusal
from .rows import make_events, make_execution

ERROR = {"error": "IntegrationError", "message": "401", "details": {"integration": "msgraph", "config_key": "halo_url"}}


def ids(response: HttpResponse) -> list[str]:
    assert response.status_code == 200, response.content
    return [found["executionId"] for found in response.json()["results"]]


# --- the list --------------------------------------------------------------------------------------------------------


def test_executions_are_listed_newest_first_each_organizations_own(
    api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    older, newer = make_execution(acme), make_execution(acme)
    other = make_execution(globex)
    assert ids(api_of(acme).get("/api/executions")) == [str(newer), str(older)]
    assert ids(api_of(globex).get("/api/executions")) == [str(other)]


def test_a_listed_execution_has_its_summary(api: Api, acme: OrganizationRecord) -> None:
    at = datetime(2026, 3, 1, 9, 0, 0, 123_456, UTC)
    made = make_execution(acme, created_at=at, started_at=at, completed_at=at + timedelta(seconds=1))
    [found] = api.get("/api/executions").json()["results"]
    assert found == {
        "executionId": str(made),
        "workflowName": "greet",
        "status": "Success",
        "progress": None,
        "createdAt": "2026-03-01T09:00:00.123Z",
        "startedAt": "2026-03-01T09:00:00.123Z",
        "completedAt": "2026-03-01T09:00:01.123Z",
        "durationMs": 12,
        "executedBy": {"kind": "user", "id": "ada", "email": "ada@example.com", "name": "Ada"},
        "dryRun": False,
        "trigger": {
            "type": "api",
            "formId": None,
            "submissionId": None,
            "scheduleId": None,
            "webhookDeliveryId": None,
            "tokenName": "ci",
        },
        "attempt": 1,
        "codeVersion": "c0de",
        "parentExecutionId": None,
        "retryOf": None,
        "continuedFrom": None,
        "continuedAs": None,
        "forkedFrom": None,
    }


def test_pages_follow_each_other_without_gap_or_repetition(api: Api, acme: OrganizationRecord) -> None:
    made = [str(make_execution(acme)) for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/api/executions?limit=2{cursor and f'&cursor={cursor}'}").json()
        seen.append([found["executionId"] for found in page["results"]])
        # What begins meanwhile does not move the pages.
        make_execution(acme)
        cursor = page["next"]
    assert seen == [made[4:2:-1], made[2:0:-1], made[:1]]


def test_the_list_is_narrowed_by_status_and_workflow(api: Api, acme: OrganizationRecord) -> None:
    failed = make_execution(acme, status="Failed")
    other = make_execution(acme, workflow="other", status="Failed")
    make_execution(acme)
    assert ids(api.get("/api/executions?status=Failed")) == [str(other), str(failed)]
    assert ids(api.get("/api/executions?status=Failed&workflow=other")) == [str(other)]
    assert ids(api.get("/api/executions?workflow=nothing")) == []


@pytest.mark.parametrize(
    "since", ["2026-05-02", "2026-05-02T00:00:00Z", "2026-05-02T02:00:00%2B02:00", "2026-05-02T02:00:00+02:00"]
)
def test_since_takes_what_was_created_at_that_time_or_later(api: Api, acme: OrganizationRecord, since: str) -> None:
    midnight = datetime(2026, 5, 2, tzinfo=UTC)
    make_execution(acme, created_at=midnight - timedelta(milliseconds=1))
    exactly = make_execution(acme, created_at=midnight)
    later = make_execution(acme, created_at=midnight + timedelta(days=1))
    assert ids(api.get(f"/api/executions?since={since}")) == [str(later), str(exactly)]


def test_the_shown_creation_time_finds_the_execution_again(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme, created_at=datetime.now(UTC))
    shown = api.get(f"/api/executions/{made}").json()["createdAt"]
    assert ids(api.get(f"/api/executions?since={shown}")) == [str(made)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=success", "status"),
        ("status=", "status"),
        ("since=yesterday", "since"),
        ("since=2026-13-01", "since"),
        ("since=2026-02-30T25:00:00Z", "since"),
        ("since=", "since"),
        ("cursor=1", "cursor"),
        ("cursor=%00", "cursor"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("workflow=%00", "workflow"),
        ("state=Failed", "state"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_bad_filter_is_refused_by_name(api: Api, query: str, field: str) -> None:
    response = api.get(f"/api/executions?{query}")
    assert refusal(response) == (400, "ValidationError")
    details = response.json()["details"]
    assert details["field"] == field and details["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "since", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"]
)
def test_the_ends_of_time_are_no_errors(api: Api, since: str) -> None:
    assert ids(api.get(f"/api/executions?since={since}")) == []


# --- one execution ---------------------------------------------------------------------------------------------------


def test_a_record_holds_everything_the_contract_names(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme, variables={"count": 3}, progress=40.0)
    child = make_execution(acme, parent=made, workflow="child", status="Failed")
    call = {"integration": "msgraph", "method": "GET", "endpoint": "/users", "status_code": 200}
    make_events(
        acme,
        made,
        ("status", "Running", {"worker": "w"}),
        ("log", "info", {"message": "hello", "data": {"a": 1}}),
        ("checkpoint", "half", {"done": 1}),
        ("integration_call", "msgraph", {**call, "duration_ms": 5, "success": True, "error": None}),
        ("log", "warning", {"message": "almost", "data": None}),
    )
    found = api.get(f"/api/executions/{made}").json()
    at = "2026-03-01T09:00:00.000Z"
    assert found["inputData"] == {"message": "hi"} and found["result"] == {"text": "HI"} and found["error"] is None
    assert found["stateSnapshots"] == [{"timestamp": at, "name": "half", "data": {"done": 1}}]
    assert found["integrationCalls"] == [{"timestamp": at, **call, "duration_ms": 5, "success": True, "error": None}]
    assert found["logs"] == [
        {"timestamp": at, "level": "info", "message": "hello", "data": {"a": 1}},
        {"timestamp": at, "level": "warning", "message": "almost", "data": None},
    ]
    assert found["variables"] == {"count": 3} and found["progress"] == 40.0
    assert found["children"] == [{"executionId": str(child), "workflowName": "child", "status": "Failed"}]
    assert found["waitingFor"] is None and found["truncated"] == []
    assert api.get(f"/api/executions/{child}").json()["parentExecutionId"] == str(made)


def test_those_that_went_on_one_after_the_other_name_each_other_and_are_one_child(
    api: Api, acme: OrganizationRecord
) -> None:
    parent, second = make_execution(acme), uuid7()
    first = make_execution(acme, parent=parent, result={"continuedAs": str(second)}, continued_as=second)
    make_execution(acme, id=second, parent=parent, status="Suspended", continued_from=first, chain=first)
    assert api.get(f"/api/executions/{first}").json()["continuedAs"] == str(second)
    assert api.get(f"/api/executions/{second}").json()["continuedFrom"] == str(first)
    [child] = api.get(f"/api/executions/{parent}").json()["children"]
    assert (child["executionId"], child["status"]) == (str(second), "Suspended")


def test_a_failed_one_says_why_with_its_details_unredacted(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme, status="Failed", result=None, error=ERROR)
    found = api.get(f"/api/executions/{made}").json()
    assert found["error"] == ERROR and found["result"] is None


def test_secrets_by_name_are_redacted_and_long_values_cut_but_the_result_is_exact(
    api: Api, acme: OrganizationRecord
) -> None:
    value = {"api_key": "abcdef", "text": "x" * 2_000, "list": list(range(150))}
    made = make_execution(acme, input=value, variables=value, result=value)
    make_events(acme, made, ("checkpoint", "c", value), ("log", "info", {"message": "y" * 2_000, "data": value}))
    found = api.get(f"/api/executions/{made}").json()
    assert found["result"] == value
    shown = [found["inputData"], found["variables"], found["stateSnapshots"][0]["data"], found["logs"][0]["data"]]
    for part in shown:
        assert part["api_key"] == "REDACTED"
        assert part["text"].startswith("x" * 1_000 + "...")
        assert part["list"][:100] == list(range(100)) and len(part["list"]) == 101
    assert len(found["logs"][0]["message"]) < 1_100


def test_a_sealed_result_is_opened(api: Api, acme: OrganizationRecord) -> None:
    exact = {"token": "abc", "n": 1}
    made = make_execution(acme, result={"token": "REDACTED", "n": 1}, result_sealed=sealing.seal(acme, exact))
    assert api.get(f"/api/executions/{made}").json()["result"] == exact


def test_a_sealed_result_is_never_replaced_by_the_redacted_one(
    api: Api, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_execution(acme, result={"token": "REDACTED"}, result_sealed=b"sealed")

    def away(*_: object) -> None:
        raise VaultUnavailable("http://10.0.0.1:8200 refused")

    monkeypatch.setattr(sealing, "unseal", away)
    response = api.get(f"/api/executions/{made}")
    assert refusal(response) == (503, "ServiceUnavailable")
    assert b"10.0.0.1" not in response.content


def test_long_lists_show_their_first_hundred_and_say_so(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    for _ in range(101):
        make_execution(acme, parent=made)
    make_events(acme, made, *(("log", "info", {"message": str(n), "data": None}) for n in range(150)))
    found = api.get(f"/api/executions/{made}").json()
    assert [line["message"] for line in found["logs"]] == [str(n) for n in range(100)]
    assert len(found["children"]) == 100
    assert found["truncated"] == ["logs", "children"]


def test_one_that_waits_says_for_what(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme, status="Queued", result=None, started_at=None, completed_at=None, duration_ms=None)
    with shared_context():
        Dispatch.objects.create(
            execution=made,
            organization=acme.id,
            workflow="greet",
            status="Queued",
            reason="worker x last seen 18 s ago",
        )
    found = api.get(f"/api/executions/{made}").json()
    assert found["waitingFor"] == "a worker process: none is running"
    with shared_context():
        Worker.objects.create(host="here", pid=1, kind="worker", capacity=1)
    found = api.get(f"/api/executions/{made}").json()
    assert found["waitingFor"] == "a free worker (worker x last seen 18 s ago)"
    assert found["startedAt"] is found["completedAt"] is found["durationMs"] is None


def test_another_organizations_execution_answers_like_none(
    api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    made = make_execution(globex)
    assert api_of(globex).get(f"/api/executions/{made}").status_code == 200
    api = api_of(acme)
    for below in ("", "/logs", "/journal"):
        answers = [
            api.get(f"/api/executions/{one}{below}") for one in (made, uuid7(), uuid4(), "1", "%00", "x" * 3_000)
        ]
        assert {refusal(answer) for answer in answers} == {(404, "NotFound")}
        assert len({answer.content for answer in answers}) == 1


def test_the_same_id_in_two_organizations_is_two_executions(
    api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    same = uuid7()
    for organization, word in ((acme, "acme"), (globex, "globex")):
        make_execution(organization, id=same, result=word)
        make_events(organization, same, ("log", "info", {"message": word, "data": None}))
    for organization, word in ((acme, "acme"), (globex, "globex")):
        found = api_of(organization).get(f"/api/executions/{same}").json()
        assert (found["result"], found["logs"][0]["message"]) == (word, word)


# --- the journal -----------------------------------------------------------------------------------------------------


def test_logs_are_paged_by_number(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(
        acme,
        made,
        ("status", "Running", None),
        ("log", "info", {"message": "one", "data": {"password": "p"}}),
        ("checkpoint", "c", None),
        ("log", "error", {"message": "two", "data": None}),
    )
    first = api.get(f"/api/executions/{made}/logs?limit=1").json()
    assert first["results"] == [
        {
            "seq": 2,
            "timestamp": "2026-03-01T09:00:00.000Z",
            "level": "info",
            "message": "one",
            "data": {"password": "REDACTED"},
        }
    ]
    second = api.get(f"/api/executions/{made}/logs?limit=1&after={first['next']}").json()
    assert [line["message"] for line in second["results"]] == ["two"] and second["next"] is None


def test_the_journal_holds_every_kind_in_order(api: Api, acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(acme, made, ("status", "Running", None), ("variable", "n", {"value": 1}), ("status", "Success", None))
    page = api.get(f"/api/executions/{made}/journal?after=1").json()
    assert [(line["seq"], line["kind"], line["name"], line["data"]) for line in page["results"]] == [
        (2, "variable", "n", {"value": 1}),
        (3, "status", "Success", None),
    ]


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=1001", "limit=0", "before=1"])
@pytest.mark.parametrize("below", ["logs", "journal"])
def test_a_bad_page_is_refused(api: Api, acme: OrganizationRecord, below: str, query: str) -> None:
    assert refusal(api.get(f"/api/executions/{make_execution(acme)}/{below}?{query}")) == (400, "ValidationError")


def test_tracebacks_are_for_the_msps_staff_alone(
    api_of: ApiOf, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    made = make_execution(acme, status="Failed", error=ERROR)
    make_events(acme, made, ("error", "IntegrationError", {**ERROR, "traceback": "File x.py, line 3"}))
    path = f"/api/executions/{made}/journal"
    [own] = api_of(acme).get(path).json()["results"]
    assert own["data"] == ERROR
    [staff] = api_of(msp, **{"X-Organization-Id": "acme"}).get(path).json()["results"]
    assert staff["data"] == {**ERROR, "traceback": "File x.py, line 3"}


def test_staff_without_the_permission_see_no_traceback(
    api_of: ApiOf, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    made = make_execution(acme, status="Failed", error=ERROR)
    make_events(acme, made, ("error", "IntegrationError", {**ERROR, "traceback": "File x.py, line 3"}))
    api = api_of(msp, "canViewExecutions", **{"X-Organization-Id": "acme"})
    assert b"traceback" not in api.get(f"/api/executions/{made}/journal").content
