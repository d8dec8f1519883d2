from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from bifrost.sdk.errors import DeclarationError, IntegrationError
from bifrost.sdk.retry import RetryPolicy


def test_the_guide_s_spelling_is_accepted():
    policy = RetryPolicy.parse({"max_attempts": 3, "backoff_multiplier": 2})
    assert (policy.max_attempts, policy.backoff_multiplier) == (3, 2)


def test_the_patterns_spelling_is_accepted():
    policy = RetryPolicy.parse(
        {"maximum_attempts": 5, "backoff_coefficient": 1.5, "initial_interval": 10, "maximum_interval": 60}
    )
    assert policy == RetryPolicy(5, 1.5, 10, 60)


def test_a_policy_stays_itself():
    policy = RetryPolicy(max_attempts=4)
    assert RetryPolicy.parse(policy) is policy


def test_a_policy_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        RetryPolicy().max_attempts = 9  # type: ignore[misc]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"attempts": 3}, "no 'attempts'"),
        ({"max_attempts": 3, "maximum_attempts": 4}, "max_attempts twice"),
        ({"max_attempts": 0}, "max_attempts must be a whole number of at least 1"),
        ({"max_attempts": 2.5}, "whole number"),
        ({"max_attempts": True}, "whole number"),
        ({"max_attempts": "3"}, "whole number"),
        ({"backoff_multiplier": 0.5}, "at least 1"),
        ({"backoff_multiplier": float("inf")}, "backoff_multiplier"),
        ({"initial_interval_seconds": -1}, "at least 0"),
        ({"max_interval_seconds": float("nan")}, "max_interval_seconds"),
        ({"retry_on": "IntegrationError"}, "list of error types"),
        (["max_attempts"], "must be a mapping"),
        (3, "must be a mapping"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy, words):
    with pytest.raises(DeclarationError, match=words):
        RetryPolicy.parse(policy)


def test_delays_grow_up_to_the_longest():
    policy = RetryPolicy(10, backoff_multiplier=2, initial_interval_seconds=1, max_interval_seconds=6)
    assert [policy.delay(attempt) for attempt in (1, 2, 3, 4, 5)] == [1, 2, 4, 6, 6]


def test_a_late_attempt_does_not_overflow():
    assert RetryPolicy(10**6, backoff_multiplier=3.0).delay(10**5) == 300


def test_attempts_count_the_first_one():
    policy = RetryPolicy(max_attempts=3)
    assert [policy.allows(attempt, "IntegrationError") for attempt in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("error_type", ["ValidationError", "PermissionError", "ConfigurationError"])
def test_errors_that_repeating_does_not_mend_are_not_retried_unless_listed(error_type):
    assert not RetryPolicy().allows(1, error_type)
    assert RetryPolicy(retry_on=(error_type,)).allows(1, error_type)


def test_an_error_that_is_listed_as_final_is_not_retried():
    policy = RetryPolicy.parse({"non_retryable_error_types": ["IntegrationError"]})
    assert not policy.allows(1, "IntegrationError")
    assert policy.allows(1, "TimeoutError")


def test_error_classes_can_be_listed_as_well_as_their_names():
    assert RetryPolicy(non_retryable=(IntegrationError,)).non_retryable == ("IntegrationError",)  # type: ignore[arg-type]
