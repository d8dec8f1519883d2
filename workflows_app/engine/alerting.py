"""The alerts that a run raises: what could not be undone, and what a person has to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workflows_app.alerts.raising import raise_alert

if TYPE_CHECKING:
    from workflows_app.engine.platform import Asking


def compensation_failed(asking: Asking, data: Mapping[str, Any]) -> None:
    """A step could not be undone; somebody has to do it by hand."""
    facts, step = asking.facts, data["step"]
    name = facts.loaded.spec.name
    raise_alert(
        facts.organization,
        "compensation_failed",
        f"{name}: {step} could not be undone",
        f"The run of {name} failed, and undoing its step {step!r} failed for good: {data['reason']}\n\n"
        "What the step did is still in place. Undo it by hand, then resolve this alert.",
        severity="critical",
        key=f"compensation_failed:{facts.id}:{data['saga']}:{data['number']}:{step}",
        execution=facts.id,
        workflow=name,
        details=data,
    )


def escalated(asking: Asking, data: Mapping[str, Any]) -> None:
    """A failure for which the workflow's recovery wants a person."""
    facts = asking.facts
    name = facts.loaded.spec.name
    raise_alert(
        facts.organization,
        "escalated",
        f"{name} needs a person: {data['error']}",
        f"The run of {name} failed, and its recovery escalates a {data['error']}: {data['message']}",
        severity="critical",
        key=f"escalated:{facts.id}:{facts.attempt}",
        execution=facts.id,
        workflow=name,
        details=data,
    )
