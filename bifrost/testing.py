"""What authors test their workflows with: `bifrost.testing.context(...)`."""

from __future__ import annotations

from bifrost.sdk.testing import (
    BlockingRecordingContext,
    ContinueAsNew,
    Record,
    RecordingContext,
    blocking_context,
    context,
)

__all__ = ["BlockingRecordingContext", "ContinueAsNew", "Record", "RecordingContext", "blocking_context", "context"]
