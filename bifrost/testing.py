"""What authors test their workflows with: `bifrost.testing.context(...)`, and `bifrost.testing.replay(...)` for what
has run before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bifrost.sdk.replayed import Replayed
from bifrost.sdk.testing import (
    BlockingRecordingContext,
    ContinueAsNew,
    Record,
    RecordingContext,
    blocking_context,
    context,
)
from bifrost.sdk.testing_checks import check_context

__all__ = [
    "BlockingRecordingContext",
    "ContinueAsNew",
    "Record",
    "RecordingContext",
    "Replayed",
    "blocking_context",
    "check_context",
    "context",
    "replay",
]


def replay(workflow: Callable[..., Any], history: str | Path) -> Replayed:
    """Whether the workflow still goes the way that a history tells, which `manage.py history ID --density json` wrote.

    No step, wait or child of it is done; the code around them runs. Needs no database, and a path that exists.

        assert bifrost.testing.replay(onboard, "histories/onboard.json"), "says False where it is not compatible"
    """
    from workflows_app.recording import read_document
    from workflows_app.replay import replay_function

    return replay_function(workflow, read_document(Path(history).read_text()))
