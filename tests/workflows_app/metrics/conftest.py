"""The figures as Prometheus would get them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.workflows_app.engine.conftest import engine_stops, limits, run, worker, workspace
from workflows_app.metrics import keeping
from workflows_app.metrics.recording import recorder

__all__ = ["engine_stops", "limits", "run", "worker", "workspace"]

TOKEN = "for-prometheus-alone"


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> Iterator[None]:
    recorder.take()
    keeping._known.clear()
    yield
    recorder.take()
    keeping._known.clear()


Scrape = Callable[[], dict[tuple[str, ...], float]]


@pytest.fixture
def scrape(settings: Any) -> Scrape:
    """What /metrics answers: value by name and labels' values, in the order of the labels' names."""
    settings.METRICS_TOKEN = TOKEN

    def ask() -> dict[tuple[str, ...], float]:
        response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200, response.content
        families = text_string_to_metric_families(response.content.decode())
        samples = [sample for family in families for sample in family.samples]
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value for sample in samples
        }

    return ask
