"""`@workflow(recovery=...)`: which strategy follows which error, and what a declaration may say."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.sdk.errors import (
    DatabaseError,
    DeclarationError,
    IntegrationError,
    PermissionError,
    StepFailed,
    TimeoutError,
    ValidationError,
    WorkflowException,
)
from bifrost.sdk.recovery import REPEATS, Recovery
from bifrost.sdk.retry import RetryPolicy


def parsed(recovery: Any, compensation: str | None = None) -> Recovery:
    found = Recovery.parse(recovery, compensation)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("error", "strategy"),
    [
        (DatabaseError("x"), "retry"),
        (IntegrationError("x"), "retry"),
        (PermissionError("x"), "escalate"),
        (ValidationError("x"), "escalate"),
        (TimeoutError("x"), "compensate"),
        (WorkflowException("x", "QuotaExceeded"), "compensate"),
        (RuntimeError("x"), "compensate"),
    ],
)
def test_the_documents_defaults(error: Exception, strategy: str) -> None:
    assert parsed(True).strategy_for(error) == strategy


def test_an_error_is_found_by_its_own_type_then_by_its_classes() -> None:
    class Throttled(IntegrationError):
        pass

    assert parsed({}).strategy_for(Throttled("x")) == "retry"
    assert parsed({"Throttled": "fail"}).strategy_for(Throttled("x")) == "fail"
    assert parsed({LookupError: "retry"}).strategy_for(KeyError("x")) == "retry"
    assert parsed({"QuotaExceeded": "escalate"}).strategy_for(WorkflowException("x", "QuotaExceeded")) == "escalate"


def test_what_a_step_raised_is_known_by_its_name() -> None:
    assert parsed({"KeyError": "fail"}).strategy_for(StepFailed("lookup", "KeyError", "'x'")) == "fail"


def test_the_names_of_the_documents_mean_ours() -> None:
    assert parsed({"ExternalApiError": "fail"}).strategy_for(IntegrationError("x")) == "fail"
    assert parsed({"default": "fail"}).strategy_for(RuntimeError("x")) == "fail"


def test_the_compensation_is_named_in_either_place() -> None:
    assert parsed({"compensation": "undo"}).compensation == "undo"
    assert parsed(True, "undo").compensation == "undo"


def test_what_is_retried_is_retried_whatever_it_is() -> None:
    policy = parsed({"ValidationError": "retry"}).policy(None)
    assert (policy.max_attempts, policy.initial_interval_seconds) == (REPEATS.max_attempts, 1.0)
    assert policy.allows(1, "ValidationError")
    assert [policy.delay(attempt) for attempt in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert parsed(True).policy(RetryPolicy(max_attempts=9)).max_attempts == 9


@pytest.mark.parametrize("nothing", [None, False])
def test_without_it_nothing_is_recovered(nothing: Any) -> None:
    assert Recovery.parse(nothing, None) is None


@pytest.mark.parametrize(
    ("recovery", "compensation", "said"),
    [
        (None, "undo", "only with recovery="),
        ("retry", None, "must map error types to strategies, not be str"),
        ({"KeyError": "again"}, None, "knows retry, compensate, escalate, fail, not 'again'"),
        ({3: "retry"}, None, "names types of errors, not 3"),
        (True, 3, "must be the name of a workflow"),
    ],
)
def test_a_bad_declaration_says_what_to_change(recovery: Any, compensation: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Recovery.parse(recovery, compensation)
