"""The table of all processes' counts."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone

from tests.workflows_app.engine.conftest import caller
from workflows_app import maintenance
from workflows_app.dispatch.models import Metric
from workflows_app.metrics import keeping
from workflows_app.metrics.families import ACTIVITIES_ENDED, ACTIVITY_DURATION, EXECUTIONS_LOST
from workflows_app.metrics.keeping import flush, kept
from workflows_app.metrics.recording import Amount, recorder

pytestmark = pytest.mark.django_db(transaction=True)

SENT = (ACTIVITIES_ENDED.name, ("send", "done"))


def sent(number: int = 1, name: str = "send") -> None:
    recorder.count(ACTIVITIES_ENDED, name, "done", number=number)


def test_what_is_flushed_adds_up() -> None:
    sent(2)
    flush()
    sent(3)
    flush()
    assert kept() == {SENT: Amount(5)}


def test_histograms_add_up_bucket_by_bucket() -> None:
    for value in (1, 40):
        recorder.observe(ACTIVITY_DURATION, value, "send")
        flush()
    recorder.observe(ACTIVITY_DURATION, 400_000, "send")
    flush()

    [amount] = kept().values()

    assert (amount.count, amount.total) == (3, 400_041.0)
    assert [place for place, number in enumerate(amount.buckets) if number] == [0, 4, 15]


def test_nothing_counted_asks_the_database_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        flush()


def test_a_series_that_is_known_costs_one_addition(django_assert_num_queries: Any) -> None:
    sent()
    flush()
    sent()
    with django_assert_num_queries(5):  # BEGIN, the schema, the limit of the wait, the addition, COMMIT
        flush()


def test_while_the_database_is_away_counts_are_kept_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    sent(2)
    with monkeypatch.context() as away:
        away.setitem(connections.settings["default"], "HOST", "/nowhere")
        connections.close_all()
        caller(flush).join(10)
    sent()
    flush()
    assert kept() == {SENT: Amount(3)}


def test_a_row_that_somebody_holds_is_not_waited_for() -> None:
    sent()
    flush()
    sent()
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("UPDATE dispatch_metric SET count = count")
        flush()
    assert kept() == {SENT: Amount(1)}
    flush()
    assert kept() == {SENT: Amount(2)}


def test_what_the_database_cannot_store_is_stored_without_it() -> None:
    sent(name="nul\0 and \ud800" + "x" * 500)
    sent(name="nul\0 and \ud800" + "x" * 600)
    flush()
    [((_, (name, _)), amount)] = kept().items()
    assert name.startswith("nul and ?x") and len(name) == 200 and amount.count == 2


def test_beyond_a_thousand_series_of_a_family_others_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_SERIES", 2)
    sent(name="a")
    flush()
    keeping._known.clear()  # another process
    for name in ("b", "c", "d", "a"):
        sent(name=name)
    recorder.count(EXECUTIONS_LOST, "report", "queued")

    flush()

    counts = {labels: amount.count for (_, labels), amount in kept().items()}
    assert counts == {("a", "done"): 2, ("b", "done"): 1, ("other", "other"): 2, ("report", "queued"): 1}


def test_processes_that_add_at_once_lose_nothing_and_do_not_stand_in_each_others_way() -> None:
    names = [f"step {number}" for number in range(50)]
    barrier = threading.Barrier(4)

    def add(order: list[str]) -> None:
        barrier.wait(10)
        for _ in range(5):
            keeping._add({(ACTIVITIES_ENDED.name, (name, "done")): Amount(1) for name in order})

    threads = [caller(lambda order=order: add(order)) for order in (names, names[::-1], names, names[::-1])]
    for thread in threads:
        thread.join(30)
    assert {amount.count for amount in kept().values()} == {20} and len(kept()) == 50


def test_the_maintenance_keeps_its_own_counts_and_forgets_what_is_long_gone() -> None:
    sent(name="of a workflow that is gone")
    flush()
    Metric.objects.update(changed_at=timezone.now() - timedelta(days=91))
    sent()

    maintenance.run()

    assert kept() == {SENT: Amount(1)}
