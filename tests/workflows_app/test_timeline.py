"""How a journal line is told."""

from __future__ import annotations

from typing import Any

import pytest

from workflows_app.timeline import compact, duration, entry, pretty

BEGAN = "2026-03-01T09:00:00.000Z"


def told(kind: str, name: str, data: Any = None) -> dict[str, Any]:
    line = {"seq": 1, "timestamp": "2026-03-01T09:00:01.500Z", "kind": kind, "name": name, "data": data}
    return entry(line, BEGAN)


@pytest.mark.parametrize(
    ("line", "kind", "title", "detail"),
    [
        (("status", "Running", {"worker": "web-1"}), "status", "Running", "worker: web-1"),
        (("status", "Running", {"worker": "w-1", "attempt": 1, "epoch": 1}), "status", "Running", "worker: w-1"),
        (("status", "Running", {"worker": "w-1", "attempt": 2}), "status", "Running, attempt 2", "worker: w-1"),
        (("status", "Success", None), "status", "Success", ""),
        (
            ("status", "Queued", {"reason": "worker w-1 last seen 18 s ago"}),
            "status",
            "Queued: worker w-1 last seen 18 s ago",
            "",
        ),
        (
            ("status", "Suspended", {"reason": "attempt 1 of 3 failed; the next one begins in 2.0 s", "attempt": 1}),
            "status",
            "Suspended: attempt 1 of 3 failed; the next one begins in 2.0 s",
            "",
        ),
        (
            ("status", "Queued", {"reason": "approved by Bo", "comment": "Go on.", "decidedBy": "user:1"}),
            "status",
            "Queued: approved by Bo",
            "Go on.",
        ),
        (("status", "Cancelled", {"by": "Ada", "kind": "user", "id": "1"}), "status", "Cancelled by Ada", ""),
        (
            ("recovery", "", {"recoveries": 2, "reason": "worker w-1 last seen 18 s ago"}),
            "recovery",
            "Recovery 2: worker w-1 last seen 18 s ago",
            "",
        ),
        (("inbox", "cancel", {"by": "Ada", "kind": "user", "id": "1"}), "inbox", "Cancel asked for by Ada", ""),
        (("inbox", "signal", {"body": 1}), "inbox", "Signal", "body: 1"),
        (("inbox", "cancel", None), "inbox", "Cancel", ""),
        (
            ("inbox", "decision", {"name": "1f", "by": "Ada", "kind": "user", "id": "1", "state": "approved"}),
            "inbox",
            "Decision: approved by Ada",
            "",
        ),
        (("log", "info", {"message": "Hello", "data": None}), "info", "Hello", ""),
        (("log", "debug", {"message": "Rows", "data": [1]}), "debug", "Rows", "[\n  1\n]"),
        (("variable", "count", 3), "variable", "count = 3", ""),
        (("variable", "empty", None), "variable", "empty = null", ""),
        (("checkpoint", "half", {"rows": 10}), "checkpoint", "half", "rows: 10"),
        (
            ("saga", "license", {"saga": "onboarding", "step": 2, "status": "Compensated"}),
            "saga",
            "onboarding, step 2, license: undone",
            "",
        ),
        (
            ("saga", "license", {"saga": "onboarding", "step": 2, "status": "CompensationFailed", "error": "locked"}),
            "saga",
            "onboarding, step 2, license: could not be undone",
            "locked",
        ),
        (("config", "halo_url", {"value": {"present": False}}), "config", "halo_url is missing", ""),
        (("config", "halo_url", {"value": {"present": True, "value": "x"}}), "config", "halo_url is there", ""),
        (("secret", "api_key", None), "secret", "api_key", ""),
        (
            ("error", "Cancelled", {"message": "Cancelled by Ada.", "details": {}, "traceback": "run.Cancelled"}),
            "error",
            "Cancelled by Ada.",
            "",
        ),
        (
            ("error", "KeyError", {"message": "x", "traceback": "File a\nFile b"}),
            "error",
            "KeyError: x",
            "File a\nFile b",
        ),
    ],
)
def test_a_line_is_told_by_its_kind(line: tuple[str, str, Any], kind: str, title: str, detail: str) -> None:
    shown = told(*line)
    assert (shown["kind"], shown["title"], shown["detail"]) == (kind, title, detail)


def test_a_call_is_told_with_its_answer() -> None:
    call = {"method": "GET", "endpoint": "/users", "duration_ms": 9}
    assert told("integration_call", "graph", {**call, "status_code": 200})["title"] == "graph: GET /users → 200"
    assert told("integration_call", "graph", {**call, "error": "refused"})["title"] == "graph: GET /users → refused"
    assert told("integration_call", "graph", call)["title"] == "graph: GET /users → no answer"
    assert told("integration_call", "graph", call)["kind"] == "integration call"


def test_what_another_execution_did_is_marked() -> None:
    done = {"state": "done", "takenOver": "an-id"}
    assert told("step", "create", done)["title"] == "create, taken over"
    assert told("child", "offboarding", {**done, "status": "Success"})["title"] == "offboarding: Success, taken over"
    assert told("variable", "v", {"takenOver": 1})["title"].endswith("}")


def test_a_child_s_line_leads_to_it() -> None:
    shown = told("child", "offboarding", {"executionId": "an-id", "status": "Failed"})
    assert (shown["title"], shown["child"], shown["detail"]) == ("offboarding: Failed", "an-id", "")
    assert told("log", "info", {"message": "executionId", "data": {"executionId": "an-id"}})["child"] is None


def test_a_started_child_s_line_leads_to_it_too() -> None:
    shown = told("start", "offboarding", {"state": "done", "value": "an-id", "executionId": "an-id"})
    assert (shown["title"], shown["child"], shown["detail"]) == ("offboarding started", "an-id", "")
    refused = {"state": "failed", "error": {"error": "NotFound", "message": "There is none.", "details": {}}}
    assert told("start", "nobody", refused)["title"] == "nobody failed: NotFound: There is none."


def test_a_run_that_goes_on_as_another_leads_to_it() -> None:
    shown = told("status", "Success", {"continuedAs": "an-id"})
    assert (shown["title"], shown["child"]) == ("Success: goes on as an-id", "an-id")
    shown = told("status", "Queued", {"continuedFrom": "an-id"})
    assert (shown["title"], shown["child"]) == ("Queued: goes on after an-id", "an-id")


@pytest.mark.parametrize(
    ("kind", "name", "tone"),
    [
        ("error", "KeyError", "alarming"),
        ("error", "Cancelled", "cautioning"),
        ("error", "Rejected", "cautioning"),
        ("status", "Failed", "alarming"),
        ("status", "Success", ""),
        ("recovery", "", "cautioning"),
        ("log", "error", "alarming"),
        ("log", "warning", "cautioning"),
        ("log", "info", ""),
        ("checkpoint", "error", ""),
    ],
)
def test_what_is_alarming_is_marked(kind: str, name: str, tone: str) -> None:
    assert told(kind, name, {"message": "m"})["tone"] == tone


def test_times_count_from_the_beginning_and_never_below_it() -> None:
    assert told("status", "Running")["offset"] == "+1.500 s"
    early = {"seq": 1, "timestamp": "2026-03-01T08:59:59Z", "kind": "status", "name": "Running", "data": None}
    assert entry(early, BEGAN)["offset"] == "+0.000 s"


def test_few_plain_values_are_one_line_and_all_else_is_json() -> None:
    assert compact({"a": 1, "b": None, "c": "x"}) == "a: 1, c: x"
    assert compact({"a": {"b": 1}}) == pretty({"a": {"b": 1}})
    assert compact({"a": "two\nlines"}) == pretty({"a": "two\nlines"})
    assert compact({"a": "x" * 200}) == pretty({"a": "x" * 200})


@pytest.mark.parametrize(("milliseconds", "text"), [(None, ""), (0, "0 ms"), (9999, "9999 ms"), (12_345, "12.3 s")])
def test_a_duration_reads_well(milliseconds: int | None, text: str) -> None:
    assert duration(milliseconds) == text
