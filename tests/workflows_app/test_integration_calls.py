from __future__ import annotations

from typing import Any

from workflows_app.integration_calls import each_once


def told(endpoint: str = "/users/4711", **facts: Any) -> dict[str, Any]:
    known = {
        "integration": "crm",
        "method": "GET",
        "status_code": 200,
        "duration_ms": 40,
        "success": True,
        "error": None,
    }
    return {**known, "endpoint": endpoint, **facts}


def tracked(**facts: Any) -> dict[str, Any]:
    return {**told("/v1/users/{id}", duration_ms=12, **facts), "tracked": True}


def shown(**facts: Any) -> dict[str, Any]:
    return told("/v1/users/{id}", duration_ms=12, **facts)


def test_a_call_that_was_tracked_and_told_of_is_one_as_it_was_tracked() -> None:
    assert each_once([tracked(), told(integration="CRM", method="get")]) == [shown()]


def test_only_the_author_knows_that_an_answer_was_of_no_use() -> None:
    calls = [tracked(), told(success=False, error="not JSON", status_code=500)]

    assert each_once(calls) == [shown(success=False, error="not JSON")]


def test_each_is_told_of_once() -> None:
    assert each_once([tracked(), tracked(), told(), told(), told()]) == [shown(), shown(), told()]


def test_what_no_client_tracked_is_shown_as_it_was_told() -> None:
    other = told("/groups/1")

    assert each_once([tracked(), other]) == [shown(), other]
