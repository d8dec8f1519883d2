"""Figures, each taken several times, and the table that shows them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """What a figure is compared with. `inverse`: by how much the other one is larger."""

    to: str
    inverse: bool = False


@dataclass
class Figure:
    what: str
    unit: str
    ratio: Ratio | None = None
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.values)


class Book:
    """All figures of a run, in the order in which they first came."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], Figure] = {}
        self.notes: list[str] = []

    def add(self, what: str, unit: str, value: float, ratio: Ratio | None = None) -> None:
        self._figures.setdefault((what, unit), Figure(what, unit, ratio)).values.append(value)

    def note(self, text: str) -> None:
        """A sentence under the table: a setting, or why something is missing."""
        if text not in self.notes:
            self.notes.append(text)

    def median(self, what: str, unit: str) -> float | None:
        """None where it was not taken."""
        figure = self._figures.get((what, unit))
        return figure.median if figure else None

    def table(self) -> str:
        """Markdown."""
        lines = ["| what | unit | median | min | max | ratio |", "| --- | --- | --- | --- | --- | --- |"]
        for figure in self._figures.values():
            numbers = [shown(number) for number in (figure.median, min(figure.values), max(figure.values))]
            lines.append(f"| {figure.what} | {figure.unit} | {' | '.join(numbers)} | {self._ratio(figure)} |")
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        rows = [
            {"what": figure.what, "unit": figure.unit, "median": figure.median, "values": figure.values}
            for figure in self._figures.values()
        ]
        return {"figures": rows, "notes": self.notes}

    def _ratio(self, figure: Figure) -> str:
        """Of medians in the same unit; nothing where the other one was not taken."""
        other = self._figures.get((figure.ratio.to, figure.unit)) if figure.ratio else None
        if figure.ratio is None or other is None or not figure.median or not other.median:
            return ""
        if figure.ratio.inverse:
            return f"{other.what}: {other.median / figure.median:.2f} x"
        return f"{figure.median / other.median:.2f} x {other.what}"


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)]


def shown(number: float) -> str:
    """With as many digits as a reader can use."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
