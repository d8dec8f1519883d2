"""What this process has counted and nobody has been told yet: in memory, since it is counted where work is done."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows_app.metrics.families import Family

#: Stands for every label of what is one series too many.
OTHER = "other"
#: So many series are kept while the database is away.
MOST_SERIES = 2_000

#: A family's name and its labels' values.
Series = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Amount:
    """By how much a series has grown. `buckets`: of a histogram, how many values lie in each, not below it; the last
    one holds what is beyond all bounds."""

    count: int = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=list)

    def add(self, other: Amount) -> None:
        self.count += other.count
        self.total += other.total
        if other.buckets:
            mine = self.buckets or [0] * len(other.buckets)
            self.buckets = [one + another for one, another in zip(mine, other.buckets, strict=True)]


class Recorder:
    """Any thread counts; costs a dictionary look-up under a lock. Raises nothing."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # what is collected as garbage counts too, in the midst of this
        self._amounts: dict[Series, Amount] = {}

    def count(self, family: Family, *labels: str, number: int = 1) -> None:
        with self._lock:
            self._amount(family.name, labels).count += number

    def observe(self, family: Family, value: float, *labels: str) -> None:
        """A value of a histogram."""
        with self._lock:
            amount = self._amount(family.name, labels)
            if not amount.buckets:
                amount.buckets = [0] * (len(family.buckets) + 1)
            amount.count += 1
            amount.total += value
            amount.buckets[bisect_left(family.buckets, value)] += 1

    def take(self) -> dict[Series, Amount]:
        """All that was counted since the last time: it is the caller's to keep."""
        with self._lock:
            taken, self._amounts = self._amounts, {}
        return taken

    def put_back(self, taken: Mapping[Series, Amount]) -> None:
        """It could not be kept yet."""
        with self._lock:
            for (name, labels), amount in taken.items():
                self._amount(name, labels).add(amount)

    def _amount(self, name: str, labels: tuple[str, ...]) -> Amount:
        found = self._amounts.get((name, labels))
        if found is None:
            if len(self._amounts) >= MOST_SERIES:
                labels = (OTHER,) * len(labels)
            found = self._amounts.setdefault((name, labels), Amount())
        return found


recorder = Recorder()
