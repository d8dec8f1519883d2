"""A worker that is lost in the middle of what it is just doing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.workflows_app.engine.losing import lose


class Interrupted:
    """A function of the engine that is cut off from what it was called for, once: its worker is lost meanwhile."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._called, self._gone = threading.Event(), threading.Event()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        answer = self._function(*arguments, **named)
        if not self._called.is_set():
            self._called.set()
            assert self._gone.wait(20)
        return answer

    def lose(self, engine: Any) -> None:
        assert self._called.wait(20)
        lose(engine)
        self._gone.set()
