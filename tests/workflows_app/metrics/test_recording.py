"""What a process counts in its own memory."""

from __future__ import annotations

import threading

import pytest

from workflows_app.metrics import recording
from workflows_app.metrics.families import ACTIVITIES_ENDED, ACTIVITY_DURATION, FAMILIES, Family
from workflows_app.metrics.recording import Amount, Recorder

STEP = Family("step", "", ("kind",), (10, 100))


def test_a_counter_grows() -> None:
    recorder = Recorder()
    recorder.count(ACTIVITIES_ENDED, "send", "done")
    recorder.count(ACTIVITIES_ENDED, "send", "done", number=2)
    assert recorder.take() == {(ACTIVITIES_ENDED.name, ("send", "done")): Amount(3)}


def test_a_value_lies_in_the_first_bucket_that_it_does_not_pass() -> None:
    recorder = Recorder()
    for value in (0, 10, 11, 100, 101):
        recorder.observe(STEP, value, "send")
    assert recorder.take() == {("step", ("send",)): Amount(5, 222.0, [2, 2, 1])}


def test_what_was_taken_is_not_there_any_more() -> None:
    recorder = Recorder()
    recorder.observe(STEP, 1, "send")
    recorder.take()
    assert recorder.take() == {}


def test_what_could_not_be_kept_is_added_to_what_has_come_meanwhile() -> None:
    recorder = Recorder()
    recorder.observe(STEP, 5, "send")
    recorder.observe(STEP, 50, "other step")
    taken = recorder.take()
    recorder.observe(STEP, 500, "send")

    recorder.put_back(taken)

    assert recorder.take() == {
        ("step", ("send",)): Amount(2, 505.0, [1, 0, 1]),
        ("step", ("other step",)): Amount(1, 50.0, [0, 1, 0]),
    }


def test_what_is_one_series_too_many_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_SERIES", 2)
    recorder = Recorder()
    for name in ("a", "b", "c", "d", "a"):
        recorder.count(ACTIVITIES_ENDED, name, "done")

    counts = {labels: amount.count for (_, labels), amount in recorder.take().items()}
    assert counts == {("a", "done"): 2, ("b", "done"): 1, ("other", "other"): 2}


def test_threads_lose_nothing() -> None:
    recorder = Recorder()
    taken: list[int] = []

    def work() -> None:
        for _ in range(5_000):
            recorder.count(ACTIVITIES_ENDED, "send", "done")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += [amount.count for amount in recorder.take().values()]
    taken += [amount.count for amount in recorder.take().values()]
    assert sum(taken) == 20_000


def test_buckets_are_in_order_and_no_label_tells_of_an_organization() -> None:
    for family in FAMILIES.values():
        assert list(family.buckets) == sorted(set(family.buckets))
        assert not {"organization", "org_id", "execution", "execution_id", "user"} & set(family.labels)
    assert ACTIVITY_DURATION.labels == ("activity_type",) and "activity_duration_ms" in FAMILIES
