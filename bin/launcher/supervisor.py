"""Keeps processes running: one that ends by itself is started again, at growing intervals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .processes import Process
from .terminal import Terminal
from .waiting import StopRequest

_LOOK_SECONDS = 0.2
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# Who ran for so long begins again with the first delay.
STEADY_SECONDS = 60.0


@dataclass
class Kept:
    """A process that is kept running. `start` makes the next one after `process` has ended."""

    name: str
    process: Process
    start: Callable[[], Process]
    delay: float = FIRST_DELAY_SECONDS
    due: float = field(default=0.0)


class Supervisor:
    """Watches what it was given until a stop is asked for. `changed` is called after each new start."""

    def __init__(self, terminal: Terminal, stop: StopRequest, changed: Callable[[], None]) -> None:
        self._terminal = terminal
        self._stop = stop
        self._changed = changed
        self._kept: list[Kept] = []

    def keep(self, kept: Kept) -> None:
        self._kept.append(kept)

    def watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            for kept in self._kept:
                self.look_at(kept, time.monotonic())

    def look_at(self, kept: Kept, now: float) -> None:
        """One look: notes that it has ended, or starts it again when that is due."""
        if kept.process.running:
            return
        if not kept.due:
            if now - kept.process.started > STEADY_SECONDS:
                kept.delay = FIRST_DELAY_SECONDS
            kept.due = now + kept.delay
            status = kept.process.exit_status
            self._terminal.say(f"{kept.name} ended by itself (status {status}); it starts again in {kept.delay:g} s.")
            kept.delay = min(kept.delay * 2, LONGEST_DELAY_SECONDS)
        elif now >= kept.due:
            kept.due = 0.0
            kept.process.kill()  # what is left of its group
            kept.process = kept.start()
            self._changed()
