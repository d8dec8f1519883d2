"""The rows of processes: beats, and fencing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from workflows_app.dispatch import workers
from workflows_app.dispatch.models import Dispatch, Worker

pytestmark = pytest.mark.django_db


def test_a_beat_raises_the_counter_and_says_that_the_row_stands() -> None:
    worker = workers.register("web", 100)
    assert workers.beat(worker)
    assert Worker.objects.get(id=worker).beat == 1


def test_a_beat_of_a_fenced_worker_says_so() -> None:
    assert not workers.beat(uuid4())


def test_fencing_deletes_the_row_and_leaves_its_reason_on_what_it_held() -> None:
    worker = workers.register("web", 100)
    Dispatch.objects.create(execution=uuid4(), organization=uuid4(), workflow="w", status="Running", worker=worker)
    seen = workers.beats()[worker]

    assert workers.fence(worker, seen, 18.2)

    assert not Worker.objects.filter(id=worker).exists()
    assert Dispatch.objects.get(worker=worker).reason == f"worker {seen.label} last seen 18 s ago"


def test_a_worker_that_has_beaten_since_it_was_seen_is_not_fenced() -> None:
    worker = workers.register("web", 100)
    seen = workers.beats()[worker]
    workers.beat(worker)
    assert not workers.fence(worker, seen, 18)
    assert Worker.objects.filter(id=worker).exists()


def test_only_one_of_two_sweepers_fences() -> None:
    worker = workers.register("web", 100)
    seen = workers.beats()[worker]
    assert [workers.fence(worker, seen, 18), workers.fence(worker, seen, 18)] == [True, False]
