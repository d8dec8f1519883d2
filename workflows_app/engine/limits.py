"""The engine's settings as one typed value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes. See `ENGINE` in the settings and engine.md, sections 4, 11 and 13."""

    beat_seconds: float
    dead_after_seconds: float
    dead_after_polls: int
    no_new_step_after_seconds: float
    blocked_warning_seconds: float
    blocked_limit_seconds: float
    log_delay_seconds: float
    sync_limit_seconds: float
    stop_grace_seconds: float
    retire_grace_seconds: float
    workspace_poll_seconds: float
    max_leaked_loops: int
    max_leaked_threads: int
    max_result_bytes: int
    max_value_bytes: int
    max_events: int
    max_journal_bytes: int
    max_logs: int
    max_unwritten_logs: int
    max_child_depth: int

    @classmethod
    def from_settings(cls) -> Self:
        return cls(**settings.ENGINE)
