"""The watchdog's clock: time in which the whole process stood still is nobody's fault, a held GIL is somebody's."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workflows_app.engine.watchdog import Watchdog


class Clocks:
    """The wall's and the processor's, as each look of the watchdog finds them."""

    def __init__(self, *looks: tuple[float, float]) -> None:
        self._looks = iter([(0.0, 0.0), *looks])
        self.now = self.worked = 0.0

    def advance(self, _seconds: float = 0) -> bool:
        """The wait for the next look; True ends the watchdog."""
        found = next(self._looks, None)
        if found is not None:
            self.now, self.worked = found
        return found is None


def silences(monkeypatch: pytest.MonkeyPatch, *looks: tuple[float, float]) -> list[float]:
    """How long the loop, which last gave a sign of life at 0, was silent at each look."""
    clocks = Clocks(*looks)
    clocks.advance()
    seen: list[float] = []
    watchdog = Watchdog(cast(Any, SimpleNamespace(mark=0.0)), lambda engine: None)
    monkeypatch.setattr(time, "monotonic", lambda: clocks.now)
    monkeypatch.setattr(time, "process_time", lambda: clocks.worked)
    monkeypatch.setattr(watchdog, "_stopped", SimpleNamespace(wait=clocks.advance))
    monkeypatch.setattr(watchdog, "look", seen.append)
    watchdog._run()
    monkeypatch.undo()
    return seen


def test_a_loop_that_is_blocked_is_silent_for_longer_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    assert silences(monkeypatch, (0.25, 0.0), (0.5, 0.0), (0.75, 0.0)) == [0.25, 0.5, 0.75]


def test_time_in_which_the_process_was_stopped_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert silences(monkeypatch, (0.25, 0.1), (60.0, 0.1), (60.25, 0.1)) == [0.25, 0.0, 0.25]


def test_time_in_which_code_held_the_interpreter_does_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert silences(monkeypatch, (0.25, 0.1), (12.25, 12.0)) == [0.25, 12.25]
