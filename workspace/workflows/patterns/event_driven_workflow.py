"""The event-driven pattern: reacts to signals, and ends by one of them or when none comes for a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bifrost import OrganizationContext, param, step, workflow

PATIENCE = timedelta(hours=24)


@step
async def process_event(state: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """The new state, and whether that was the last event."""
    total = state["total"] + event.get("amount", 0)
    return {"new_state": {"total": total}, "should_complete": event.get("type") == "complete"}


@workflow(name="event_driven_workflow", category="patterns", tags=["patterns"], execution_mode="async")
@param("workflow_id", "string", "What the events are about", required=True)
async def event_driven_workflow(context: OrganizationContext, workflow_id: str) -> dict[str, Any]:
    """Collect amounts by the signal workflow_event until one of type complete; give up after 24 hours of silence."""
    state: dict[str, Any] = {"total": 0}
    event_count = 0
    while True:
        # Each event gives it another day.
        first = await context.first(event=context.wait_for_signal("workflow_event"), timeout=context.sleep(PATIENCE))
        if first.key == "timeout":
            context.log("warning", "No event came in time", {"event_count": event_count})
            reason = "Timeout"
            break
        event_count += 1
        processed = await process_event(state, first.value)
        state = processed["new_state"]
        if processed["should_complete"]:
            reason = "EventTriggered"
            break
    return {
        "workflow_id": workflow_id,
        "final_state": state,
        "event_count": event_count,
        "completion_reason": reason,
    }
