"""Rate limits: at most so many permits within any so many seconds, however many ask at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from bifrost.sdk.rate_limit import RateLimit
from integrations.models import RateLimit as Row
from integrations.rates import forget_unused, take
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.at_once import at_once


def time_passes(organization: OrganizationRecord, seconds: float) -> None:
    """As the row sees it: what was given lies further back."""
    with org_context(organization):
        row = Row.objects.get()
        row.given = [moment - timedelta(seconds=seconds) for moment in row.given]
        row.save(update_fields=["given"])


def test_permits_are_given_until_there_are_none(acme: OrganizationRecord) -> None:
    rate = RateLimit("crm", 3, 60)
    assert [take(acme, rate, reserve=False) for _ in range(3)] == [0, 0, 0]
    assert 59 < take(acme, rate, reserve=False) <= 60
    assert 59 < take(acme, rate, reserve=False) <= 60


def test_within_any_window_there_are_no_more_than_the_limit(acme: OrganizationRecord) -> None:
    # A token bucket would have given one more for every 20 s that pass.
    rate = RateLimit("crm", 3, 60)
    for _ in range(3):
        take(acme, rate, reserve=False)
    time_passes(acme, 50)
    assert 9 < take(acme, rate, reserve=False) <= 10
    time_passes(acme, 11)
    assert [take(acme, rate, reserve=False) for _ in range(3)] == [0, 0, 0]
    assert take(acme, rate, reserve=False) > 59


def test_who_waits_gets_the_permits_to_come_in_order(acme: OrganizationRecord) -> None:
    rate = RateLimit("crm", 2, 10)
    waits = [round(take(acme, rate, reserve=True)) for _ in range(6)]
    assert waits == [0, 0, 10, 10, 20, 20]
    # Who does not wait is behind them all.
    assert round(take(acme, rate, reserve=False)) == 30
    assert round(take(acme, rate, reserve=True)) == 30


def test_a_refused_one_has_taken_nothing(acme: OrganizationRecord) -> None:
    rate = RateLimit("crm", 1, 60)
    take(acme, rate, reserve=False)
    for _ in range(5):
        take(acme, rate, reserve=False)
    time_passes(acme, 60)
    assert take(acme, rate, reserve=False) == 0


def test_no_more_times_are_kept_than_count(acme: OrganizationRecord) -> None:
    for limit in (5, 5, 5, 5, 5, 5, 2):
        take(acme, RateLimit("crm", limit, 0.001), reserve=True)
    with org_context(acme):
        assert len(Row.objects.get().given) == 2


def test_a_limit_that_was_raised_gives_more_at_once(acme: OrganizationRecord) -> None:
    take(acme, RateLimit("crm", 1, 60), reserve=False)
    assert take(acme, RateLimit("crm", 1, 60), reserve=False) > 0
    assert take(acme, RateLimit("crm", 2, 60), reserve=False) == 0


def test_keys_and_organizations_have_permits_of_their_own(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    asked = [(acme, "crm"), (acme, "mail"), (globex, "crm")]
    assert [take(organization, RateLimit(key, 1, 60), reserve=False) for organization, key in asked] == [0, 0, 0]
    assert take(globex, RateLimit("crm", 1, 60), reserve=False) > 0


def test_what_counts_no_more_is_forgotten(acme: OrganizationRecord) -> None:
    for key in ("old", "young"):
        take(acme, RateLimit(key, 1, 60), reserve=False)
    with org_context(acme):
        Row.objects.filter(key="old").update(free_at=Now() - timedelta(days=31, minutes=1))
        Row.objects.filter(key="young").update(free_at=Now() - timedelta(days=30))
    forget_unused(acme)
    with org_context(acme):
        assert list(Row.objects.values_list("key", flat=True)) == ["young"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reserve", [False, True])
def test_of_many_that_ask_at_once_exactly_so_many_get_one(acme: OrganizationRecord, reserve: bool) -> None:
    rate = RateLimit("crm", 7, 60)

    def three_times(_: int) -> list[float]:
        return [take(acme, rate, reserve=reserve) for _ in range(3)]

    waits = sorted(wait for each in at_once(8, three_times) for wait in each)

    assert waits[:7] == [0] * 7
    if reserve:
        windows = [round(wait / 60) for wait in waits]
        assert windows == sorted([0] * 7 + [1] * 7 + [2] * 7 + [3] * 3)
    else:
        assert all(wait > 50 for wait in waits[7:])
        with org_context(acme):
            assert len(Row.objects.get().given) == 7
