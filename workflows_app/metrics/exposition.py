"""All figures in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from workflows_app.metrics.families import FAMILIES, Family
from workflows_app.metrics.recording import Amount, Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGES = (
    (
        "queue",
        "bifrost_queue_executions",
        "Executions that are not finished; of those that wait for the same, at most 50000 are counted.",
        "status",
    ),
    (
        "due",
        "bifrost_queue_oldest_due_seconds",
        "For how long the oldest execution that is due has waited for a worker. limited: behind a limit that somebody"
        " set. suspended: its time has come, and nobody has woken it.",
        "lane",
    ),
    ("workers", "bifrost_workers_alive", "Processes that run executions and have beaten within 30 s.", "kind"),
)


def text_of(kept: Mapping[Series, Amount], standing: Mapping[str, Mapping[str, float]]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given([*_counted(kept), *_standing(standing)]))
    return generate_latest(registry)


class _Given(Collector):
    """Figures that are there already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        return self._metrics


def _counted(kept: Mapping[Series, Amount]) -> Iterator[Metric]:
    series = sorted(kept.items())
    for family in FAMILIES.values():
        yield _family(family, [(labels, amount) for (name, labels), amount in series if name == family.name])


def _family(family: Family, amounts: list[tuple[tuple[str, ...], Amount]]) -> Metric:
    if not family.buckets:
        counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for labels, amount in amounts:
            counter.add_metric(labels, amount.count)
        return counter
    histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    bounds = [*map(str, map(float, family.buckets)), "+Inf"]
    for labels, amount in amounts:
        below = list(zip(bounds, accumulate(amount.buckets), strict=True))
        histogram.add_metric(labels, below, amount.total)
    return histogram


def _standing(standing: Mapping[str, Mapping[str, float]]) -> Iterator[Metric]:
    for figure, name, text, label in GAUGES:
        gauge = GaugeMetricFamily(name, text, labels=[label])
        for value, number in standing[figure].items():
            gauge.add_metric([value], number)
        yield gauge
