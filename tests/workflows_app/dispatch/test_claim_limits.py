"""What a claim takes where organizations and workflows have limits, and who comes behind those that are used up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from uuid6 import uuid7

from orgs.models import Organization
from orgs.records import OrganizationRecord
from tests.integrations.at_once import at_once
from tests.workflows_app.dispatch.claiming import Take, queued, shares, strangers
from workflows_app.dispatch import settled, workers
from workflows_app.dispatch.claim_statement import MOST_LANES
from workflows_app.dispatch.claims import FIRST, Claim, Wish, claim
from workflows_app.dispatch.models import Dispatch, Lane, WorkflowSetting
from workflows_app.engine.connection import raw

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("prepared_for_claims")]


def limit(organization: OrganizationRecord, workflow: str = "", **values: Any) -> None:
    WorkflowSetting.objects.create(organization=organization.id, workflow=workflow, **values)
    settled.forget()


def test_an_organization_runs_no_more_than_its_limit(
    take: Take, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    limit(acme, max_concurrent=3)
    queued(acme, 20)
    queued(globex, 20)

    assert shares(take(20)) == {acme.id: 3, globex.id: 10}
    assert shares(take(20)) == {globex.id: 10}

    Dispatch.objects.filter(organization=acme.id, status="Running").first().delete()  # type: ignore[union-attr]
    assert shares(take(20)) == {acme.id: 1}


def test_a_workflow_runs_no_more_than_its_limit_and_others_pass_it(take: Take, acme: OrganizationRecord) -> None:
    limit(acme, "slow", max_concurrent=2)
    queued(acme, 50, workflow="slow", lane=Lane.LIMITED)
    queued(acme, 5, workflow="other")

    taken = take(20)

    assert Counter(found.workflow for found in taken) == {"slow": 2, "other": 5}
    assert take(20) == []


def test_no_more_start_within_a_minute_than_the_limit(take: Take, acme: OrganizationRecord) -> None:
    limit(acme, starts_per_minute=5)
    queued(acme, 20)

    assert len(take(3)) == 3
    assert len(take(10)) == 2
    assert take(10) == []

    setting = WorkflowSetting.objects.get()
    assert len(setting.recent_starts) == 5
    setting.recent_starts = [
        moment - timedelta(seconds=61) for moment in setting.recent_starts[:4]
    ] + setting.recent_starts[4:]
    setting.save()
    assert len(take(10)) == 4


def test_two_limits_hold_together(take: Take, acme: OrganizationRecord) -> None:
    limit(acme, max_concurrent=10)
    limit(acme, "slow", max_concurrent=4, starts_per_minute=3)
    queued(acme, 50, workflow="slow", lane=Lane.LIMITED)
    queued(acme, 50, workflow="other")

    taken = take(50)

    assert Counter(found.workflow for found in taken)["slow"] <= 3
    assert len(taken) == 10


# --- limits that are used up, and the others -------------------------------------------------------------------------


def with_lanes(organizations: list[UUID], *workflows: str, used_up: bool = True) -> None:
    """Gives each of them such workflows that run one at a time, and more of each that wait than ever run."""
    pairs = [(organization, workflow) for organization in organizations for workflow in workflows]
    settings = [WorkflowSetting(organization=id_, workflow=workflow, max_concurrent=1) for id_, workflow in pairs]
    WorkflowSetting.objects.bulk_create(settings)
    settled.forget()
    rows = [
        Dispatch(execution=uuid7(), organization=id_, workflow=workflow, status=status, lane=Lane.LIMITED)
        for id_, workflow in pairs
        for status in (["Running"] if used_up else []) + ["Queued"] * 3
    ]
    Dispatch.objects.bulk_create(rows)


Looks = Callable[..., list[Claim]]
# More of these in each of 42 organizations than one look visits.
FIVE = ("a", "b", "c", "d", "e")


@pytest.fixture
def look(worker: UUID) -> Looks:
    """Takes one at most in each of so many looks, or as many as are free, each look behind where the last one came
    to."""
    after = FIRST

    def found(count: int, free: int = 1) -> list[Claim]:
        nonlocal after
        taken: list[Claim] = []
        for _ in range(count):
            more, _, after = claim(raw(), Wish(worker, free, free, after, {}, True, True))
            taken += more
        return taken

    return found


def test_one_whose_workflow_is_used_up_takes_no_place_of_another(take: Take) -> None:
    blocked, waiting = strangers(2)
    with_lanes([blocked], "slow")
    [theirs] = queued(waiting)

    assert [found.execution for found in take(1)] == [theirs]


def test_one_whose_starts_are_used_up_takes_no_place_of_another(take: Take) -> None:
    blocked, waiting = strangers(2)
    WorkflowSetting.objects.create(
        organization=blocked, workflow="slow", starts_per_minute=1, recent_starts=[timezone.now()]
    )
    settled.forget()
    queued(blocked, 3, workflow="slow", lane=Lane.LIMITED)
    [theirs] = queued(waiting)

    assert [found.execution for found in take(1)] == [theirs]


def test_several_that_are_used_up_leave_all_places_to_others(take: Take) -> None:
    *blocked, first, second = strangers(6)
    with_lanes(blocked, "slow")
    with_lanes([first, second], "slow", used_up=False)

    assert shares(take(2)) == {first: 1, second: 1}


def test_one_with_a_used_up_workflow_still_gets_its_other_ones(take: Take) -> None:
    [organization] = strangers(1)
    with_lanes([organization], "slow")
    with_lanes([organization], "swift", used_up=False)
    queued(organization, workflow="open")

    assert Counter(found.workflow for found in take(10)) == {"swift": 1, "open": 1}


def test_the_last_of_many_lanes_is_reached_behind_used_up_ones(look: Looks) -> None:
    *blocked, last = strangers(42)
    with_lanes(blocked, *FIVE)
    with_lanes([last], "slow", used_up=False)

    assert shares(look(2)) == {last: 1}


def test_the_last_of_many_lanes_is_reached_behind_one_that_always_has_more(look: Looks) -> None:
    first, *blocked, last = strangers(43)
    queued(first, 10)
    with_lanes(blocked, *FIVE)
    with_lanes([last], "slow", used_up=False)

    assert shares(look(3)) == {first: 2, last: 1}


def test_many_lanes_are_all_reached_whoever_starts(look: Looks) -> None:
    everybody = strangers(42)
    with_lanes(everybody, *FIVE, used_up=False)

    assert Counter((found.organization, found.workflow) for found in look(6, free=100)) == Counter(
        product(everybody, FIVE)
    )


def test_one_whose_lanes_are_visited_in_part_is_visited_again(look: Looks) -> None:
    everybody = strangers(35)
    workflows = [f"w{number}" for number in range(6)]
    in_part = everybody[MOST_LANES // len(workflows)]
    with_lanes([each for each in everybody if each != in_part], *workflows)
    with_lanes([in_part], *workflows[:-1])
    with_lanes([in_part], workflows[-1], used_up=False)

    assert [(found.organization, found.workflow) for found in look(2)] == [(in_part, workflows[-1])]


@pytest.mark.faults
def test_those_behind_many_suspended_ones_are_reached(look: Looks) -> None:
    *suspended, last = strangers(250)
    Organization.objects.filter(id__in=suspended).update(status="suspended")
    for organization in [*suspended, last]:
        queued(organization)

    assert shares(look(2)) == {last: 1}


def test_processes_that_claim_at_once_never_overfill_a_limit(acme: OrganizationRecord) -> None:
    limit(acme, max_concurrent=7)
    queued(acme, 200)

    def claims_often(_: int) -> int:
        worker = workers.register("worker", 10)
        return sum(len(claim(raw(), Wish(worker, 5, 5, FIRST, {}, True, True))[0]) for _ in range(20))

    assert sum(at_once(6, claims_often)) == 7
