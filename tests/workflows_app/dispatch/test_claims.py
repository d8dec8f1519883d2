"""Which rows of the run queue a claim takes: fair over organizations, weighted by priority, within limits."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.utils import timezone
from uuid6 import uuid7

from orgs.models import Organization
from orgs.records import OrganizationRecord
from tests.factories import change
from workflows_app.dispatch import claims, settled, workers
from workflows_app.dispatch.claim_statement import CLAIM, CLAIM_WITHIN_LIMITS, MOST_LANES
from workflows_app.dispatch.claims import FIRST, Claim, Wish, claim
from workflows_app.dispatch.models import Dispatch, Lane, Priority, WorkflowSetting
from workflows_app.engine.connection import raw

pytestmark = pytest.mark.django_db(transaction=True)


def queued(organization: OrganizationRecord | UUID, count: int = 1, **values: Any) -> list[UUID]:
    id_ = organization if isinstance(organization, UUID) else organization.id
    rows = [
        Dispatch(**{"execution": uuid7(), "organization": id_, "workflow": "w", "status": "Queued", **values})
        for _ in range(count)
    ]
    Dispatch.objects.bulk_create(rows)
    return [row.execution for row in rows]


def strangers(count: int) -> list[UUID]:
    """Organizations without a schema: the run queue knows nothing of schemas."""
    rows = []
    for number in range(count):
        id_ = uuid7()
        rows.append(Organization(id=id_, org_id=f"o{number}", name="O", schema_name=f"org_{id_.hex}", ready=True))
    Organization.objects.bulk_create(rows)
    return [row.id for row in rows]


@pytest.fixture
def worker() -> UUID:
    return workers.register("worker", 100)


@pytest.fixture
def take(worker: UUID) -> Callable[..., list[Claim]]:
    def taken(free: int, **values: Any) -> list[Claim]:
        wish = {"each": free, "after": FIRST, "held": {}, "alone": True, "limits": settled.any_limits(), **values}
        return claim(raw(), Wish(worker=worker, free=free, **wish))[0]

    return taken


Take = Callable[..., list[Claim]]


def test_a_claimed_row_names_its_worker_and_a_higher_epoch(take: Take, worker: UUID, acme: OrganizationRecord) -> None:
    [execution] = queued(acme, reason="worker x last seen 18 s ago", epoch=3)

    assert take(10) == [Claim(execution, acme.id, "w", 4, False, "")]

    row = Dispatch.objects.get()
    assert (row.status, row.worker, row.epoch, row.reason) == ("Running", worker, 4, "")
    assert take(10) == []


def test_no_more_is_taken_than_asked_for_and_the_oldest_first(take: Take, acme: OrganizationRecord) -> None:
    now = timezone.now()
    old = [
        queued(acme, run_at=now - timedelta(minutes=age), queued_at=now - timedelta(minutes=age))[0]
        for age in (3, 1, 2)
    ]

    assert [found.execution for found in take(1)] == [old[0]]
    assert {found.execution for found in take(2)} == {old[1], old[2]}


def test_a_worker_whose_row_is_gone_gets_nothing(take: Take, worker: UUID, acme: OrganizationRecord) -> None:
    queued(acme)
    workers.retire(worker)

    assert take(10) == []
    assert Dispatch.objects.get().status == "Queued"


@pytest.mark.parametrize("values", [{"status": "Running"}, {"status": "Suspended"}, {"status": "PendingApproval"}])
def test_only_queued_rows_are_taken(take: Take, acme: OrganizationRecord, values: dict[str, str]) -> None:
    queued(acme, run_at=timezone.now() + timedelta(hours=1), **values)

    assert take(10) == []


def test_what_is_suspended_until_a_time_that_has_come_is_taken(take: Take, acme: OrganizationRecord) -> None:
    queued(acme, status="Suspended", run_at=timezone.now() + timedelta(hours=1))
    [due] = queued(acme, status="Suspended", run_at=timezone.now() - timedelta(seconds=1))

    assert [found.execution for found in take(10)] == [due]


def test_a_claim_says_when_the_next_waiting_one_is_due(worker: UUID, acme: OrganizationRecord) -> None:
    wish = Wish(worker, 5, 5, FIRST, {}, True, False)
    assert claim(raw(), wish) == ([], None, FIRST)
    queued(acme, status="Suspended", run_at=timezone.now() + timedelta(seconds=100))

    assert claim(raw(), wish)[1] == pytest.approx(100, abs=5)


def test_a_suspended_organization_waits(take: Take, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    queued(acme)
    [theirs] = queued(globex)
    change(acme, status="suspended")

    assert [found.execution for found in take(10)] == [theirs]

    change(acme, status="active")
    assert len(take(10)) == 1


# --- organizations ---------------------------------------------------------------------------------------------------


def shares(found: list[Claim]) -> Counter[UUID]:
    return Counter(each.organization for each in found)


def test_each_waiting_organization_gets_its_share_whoever_came_first(
    take: Take, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    queued(acme, 500)
    queued(globex, 500)

    assert shares(take(100)) == {acme.id: 50, globex.id: 50}


def test_one_that_needs_less_leaves_room_for_the_next_look(
    take: Take, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    queued(acme, 500)
    queued(globex, 2)

    assert shares(take(100)) == {acme.id: 50, globex.id: 2}
    assert shares(take(48)) == {acme.id: 48}


def test_with_fewer_places_than_organizations_each_has_its_turn(take: Take) -> None:
    everybody = strangers(30)
    for organization in everybody:
        queued(organization, 5)
    served: Counter[UUID] = Counter()
    after = FIRST
    for _ in range(15):
        found = take(4, after=after)
        assert len(shares(found)) == 4
        after = claims.served_last(found, after)
        served += shares(found)

    assert set(served) == set(everybody) and set(served.values()) == {2}


def test_one_organization_never_fills_a_process(
    take: Take, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    queued(acme, 500)

    assert len(take(100, each=75)) == 75
    assert take(25, each=75, held={acme.id: 75}) == []
    queued(globex, 3)
    assert shares(take(25, each=75, held={acme.id: 75})) == {globex.id: 3}


@pytest.mark.faults
def test_two_hundred_organizations_are_visited_in_one_claim_and_the_others_in_the_next(take: Take) -> None:
    everybody = strangers(250)
    for organization in everybody:
        queued(organization)
    first = take(250)
    second = take(250, after=claims.served_last(first, FIRST))

    assert len(first) >= 200
    assert len(first) + len(second) == 250


@pytest.mark.parametrize("limits", [False, True])
def test_the_cost_does_not_grow_with_waiting_rows(
    take: Take, limits: bool, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    """By the plan: every row of the run queue is found through an index, and none is read to be thrown away."""
    queued(acme, 3000)
    queued(globex, 1, status="Queued")
    take(10)
    for analyzed in (False, True):
        if analyzed:
            raw().execute("ANALYZE dispatch_dispatch")
        plan = explained(Wish(uuid7(), 10, 10, FIRST, {}, True, limits))
        assert_reads_little(plan)


def assert_reads_little(plan: str) -> None:
    assert "Seq Scan on dispatch_dispatch" not in plan
    removed = [int(line.rsplit(":", 1)[1]) for line in plan.splitlines() if "Rows Removed by" in line]
    assert sum(removed) < 50, plan
    loops = [int(found) for found in re.findall(r"loops=(\d+)", plan)]
    assert max(loops) < 500, plan


def explained(wish: Wish) -> str:
    claims.prepare_connection(raw())
    statement = CLAIM_WITHIN_LIMITS if wish.limits else CLAIM
    with raw().cursor() as cursor:
        cursor.execute(b"EXPLAIN (ANALYZE, COSTS OFF) " + statement, wish.parameters())
        return "\n".join(row[0] for row in cursor.fetchall())


# --- priorities ------------------------------------------------------------------------------------------------------


def test_priorities_share_by_eight_four_and_one_and_none_starves(take: Take, acme: OrganizationRecord) -> None:
    for priority in Priority:
        queued(acme, 390, priority=priority)
    picked: Counter[int] = Counter()
    for _ in range(390):
        [found] = take(1)
        picked[Dispatch.objects.get(execution=found.execution).priority] += 1

    # 240, 120 and 30 are to be expected, and five standard deviations are allowed.
    assert 190 < picked[Priority.HIGH] < 290
    assert 72 < picked[Priority.NORMAL] < 168
    assert 4 < picked[Priority.LOW] < 58


def test_a_high_one_comes_first_among_few(take: Take, acme: OrganizationRecord) -> None:
    """Not always, but nearly: of 60 draws between one high and one low row the low one wins about 7."""
    high = 0
    for _ in range(60):
        queued(acme, priority=Priority.LOW)
        [urgent] = queued(acme, priority=Priority.HIGH)
        high += take(1)[0].execution == urgent
        Dispatch.objects.all().delete()

    assert high > 40


# --- what was lost twice ---------------------------------------------------------------------------------------------


def test_what_was_lost_twice_is_taken_one_at_a_time(take: Take, acme: OrganizationRecord) -> None:
    queued(acme, 3, lane=Lane.ALONE)

    [found] = take(10)

    assert found.alone
    assert take(10, alone=False) == []
    assert len(take(10)) == 1


# --- limits ----------------------------------------------------------------------------------------------------------


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
    found: list[Claim] = []

    def claims_often() -> None:
        try:
            worker = workers.register("worker", 10)
            for _ in range(20):
                found.extend(claim(raw(), Wish(worker, 5, 5, FIRST, {}, True, True))[0])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claims_often) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 7


def test_processes_that_claim_at_once_never_take_the_same_row(acme: OrganizationRecord) -> None:
    everything = set(queued(acme, 300))
    found: list[UUID] = []

    def claims_often() -> None:
        try:
            worker = workers.register("worker", 10)
            while taken := claim(raw(), Wish(worker, 5, 5, FIRST, {}, True, False))[0]:
                found.extend(each.execution for each in taken)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claims_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 300 and set(found) == everything


@pytest.fixture(autouse=True)
def a_plan_for_claims() -> Any:
    claims.prepare_connection(raw())
    yield
    settled.forget()
    connection.close()
