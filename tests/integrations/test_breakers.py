"""Circuit breakers: shared by all processes, one trial at a time, on the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bifrost import CircuitBreakerOpen
from integrations import breakers
from integrations.breakers import Admission, admit, close, known_closed, report
from integrations.models import CircuitBreaker
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import log
from tests.integrations.at_once import at_once


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    breakers.forget()
    yield
    breakers.forget()


def fail(organization: OrganizationRecord, times: int = 5, service: str = "halopsa") -> None:
    for _ in range(times):
        report(organization, admit(organization, service), "failed", "IntegrationError 503")


def time_passes(organization: OrganizationRecord, seconds: float) -> None:
    """As the row sees it: all its times lie further back."""
    with org_context(organization):
        row = CircuitBreaker.objects.get()
        row.failures = [moment - timedelta(seconds=seconds) for moment in row.failures]
        row.until = row.until and row.until - timedelta(seconds=seconds)
        row.save()


def state(organization: OrganizationRecord) -> str:
    with org_context(organization):
        return CircuitBreaker.objects.get().state


def refused(organization: OrganizationRecord) -> CircuitBreakerOpen:
    with pytest.raises(CircuitBreakerOpen) as caught:
        admit(organization, "halopsa")
    return caught.value


def test_five_failures_open_it_and_calls_fail_at_once(acme: OrganizationRecord) -> None:
    fail(acme, 4)
    assert admit(acme, "halopsa") == Admission("halopsa")
    fail(acme, 1)

    error = refused(acme)

    assert error.integration == "halopsa"
    assert error.retry_after is not None and 29 < error.retry_after <= 30
    assert error.details == {"integration": "halopsa", "retry_after": error.retry_after}
    assert error.message.startswith('The circuit of "halopsa" is open')
    with org_context(acme):
        assert CircuitBreaker.objects.get().reason == "IntegrationError 503"


def test_failures_count_within_any_thirty_seconds(acme: OrganizationRecord) -> None:
    fail(acme, 2)
    time_passes(acme, 20)
    fail(acme, 2)
    time_passes(acme, 11)
    fail(acme, 2)  # the first two are too old
    assert state(acme) == "closed"
    time_passes(acme, 20)  # and now the next two
    fail(acme, 1)
    assert state(acme) == "closed"
    fail(acme, 2)
    assert state(acme) == "open"


def test_after_thirty_seconds_one_trial_closes_it(acme: OrganizationRecord) -> None:
    fail(acme)
    time_passes(acme, 30)

    trial = admit(acme, "halopsa")

    assert isinstance(trial.trial, UUID)
    assert refused(acme).retry_after == breakers.ANOTHERS_TRIAL_SECONDS
    report(acme, trial, "answered")
    assert admit(acme, "halopsa") == Admission("halopsa")
    fail(acme, 4)
    assert state(acme) == "closed"


def test_a_trial_that_fails_opens_it_again(acme: OrganizationRecord) -> None:
    fail(acme)
    time_passes(acme, 30)
    report(acme, admit(acme, "halopsa"), "failed", "TimeoutError")
    assert (refused(acme).retry_after or 0) > 29


def test_a_trial_that_says_nothing_of_the_service_leaves_the_next_call_as_one(acme: OrganizationRecord) -> None:
    fail(acme)
    time_passes(acme, 30)
    report(acme, admit(acme, "halopsa"), "unknown")
    assert admit(acme, "halopsa").trial is not None


def test_a_trial_of_which_nothing_is_heard_is_given_up(acme: OrganizationRecord) -> None:
    fail(acme)
    time_passes(acme, 30)
    lost = admit(acme, "halopsa")
    time_passes(acme, 59)
    assert refused(acme)
    time_passes(acme, 1)

    successor = admit(acme, "halopsa")

    assert successor.trial not in {None, lost.trial}
    for verdict in ("failed", "answered", "unknown"):
        report(acme, lost, verdict)  # type: ignore[arg-type]  # the late word of the first is not heard
        assert state(acme) == "half-open"
    report(acme, successor, "answered")
    assert state(acme) == "closed"


def test_what_began_before_it_opened_says_nothing_new(acme: OrganizationRecord) -> None:
    early = admit(acme, "halopsa")
    fail(acme)
    time_passes(acme, 10)
    report(acme, early, "failed")
    assert (refused(acme).retry_after or 0) < 21
    time_passes(acme, 20)
    trial = admit(acme, "halopsa")
    report(acme, early, "failed")
    report(acme, trial, "answered")
    assert state(acme) == "closed"


def test_a_person_closes_it(acme: OrganizationRecord) -> None:
    fail(acme)
    assert close(acme, "HaloPSA")
    assert admit(acme, "halopsa").trial is None
    assert not close(acme, "halopsa")
    assert log() == [("circuit.close", "circuit:halopsa", "Command line")]


def test_names_match_without_case_and_services_are_apart(acme: OrganizationRecord) -> None:
    fail(acme, service="HaloPSA ")
    assert refused(acme)
    assert admit(acme, "msgraph") == Admission("msgraph")


def test_another_organization_is_not_concerned(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    fail(acme)
    assert admit(globex, "halopsa") == Admission("halopsa")
    with org_context(globex):
        assert not CircuitBreaker.objects.exists()


def test_a_closed_one_costs_a_query_a_second_at_most(
    acme: OrganizationRecord, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(breakers.time, "monotonic", lambda: now)
    admission = admit(acme, "halopsa")
    with django_assert_num_queries(0):
        assert known_closed(acme, "halopsa") == admit(acme, "halopsa") == admission
        report(acme, admission, "answered")
    now += 1.0
    assert known_closed(acme, "halopsa") is None


@pytest.mark.django_db(transaction=True)
def test_what_one_process_opens_is_open_for_another(acme: OrganizationRecord) -> None:
    at_once(1, lambda _: fail(acme))
    breakers.forget()  # what this process knew of it is a second old
    assert refused(acme)


@pytest.mark.django_db(transaction=True)
def test_failures_of_many_processes_are_all_counted(acme: OrganizationRecord) -> None:
    admission = Admission("halopsa")
    at_once(4, lambda _: report(acme, admission, "failed"))
    assert state(acme) == "closed"
    with org_context(acme):
        assert len(CircuitBreaker.objects.get().failures) == 4
    at_once(2, lambda _: report(acme, admission, "failed"))
    assert state(acme) == "open"


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_exactly_one_has_the_trial(acme: OrganizationRecord) -> None:
    def outcome(_: int) -> UUID | None:
        try:
            return admit(acme, "halopsa").trial
        except CircuitBreakerOpen:
            return None

    fail(acme)
    for _ in range(5):
        time_passes(acme, 60)
        trials = [trial for trial in at_once(8, outcome) if trial is not None]
        assert len(trials) == 1
