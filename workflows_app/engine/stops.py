"""Why a run is stopped before its code has ended, as its journal keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.sdk.errors import WorkflowException, from_document


class Cancelled(WorkflowException):
    """The execution was cancelled; it ends as Cancelled rather than Failed."""


def reason_of(document: Mapping[str, Any]) -> WorkflowException:
    """The reason that `as_document` described."""
    if document["error"] == Cancelled.__name__:
        return Cancelled(document["message"])
    return from_document(document)
