"""The long-running pattern: thousands of items in batches, with checkpoints, progress and a note at the end."""

from __future__ import annotations

import asyncio
from typing import Any

from bifrost import OrganizationContext, heartbeat, param, step, workflow

BATCH_SIZE = 10
CHECKPOINT_INTERVAL = 50


@step(
    start_to_close_timeout=300,
    heartbeat_timeout=30,
    retry_policy={"max_attempts": 3, "initial_interval_seconds": 10, "maximum_interval": 300},
)
async def process_item(item: Any) -> dict[str, Any]:
    """Stands for what is to be done with each; one that is no text fails and stops no other."""
    heartbeat({"item": item})
    await asyncio.sleep(0)
    if not isinstance(item, str):
        raise ValueError(f"{item!r} is no name")
    return {"item_id": item, "name": item.strip().title()}


@workflow(
    name="long_running_process", category="patterns", tags=["patterns"], execution_mode="async", timeout_seconds=3600
)
@param("items", "list", "Names to process", required=True)
@param("notify", "bool", "Tell the caller when it is done", default_value=False)
async def long_running_process(context: OrganizationContext, items: list[Any], notify: bool) -> dict[str, Any]:
    """Process many items in batches; a run that resumes goes on at the right one."""
    processed: list[str] = []
    failed: list[dict[str, Any]] = []
    for start in range(0, len(items), CHECKPOINT_INTERVAL):
        part = items[start : start + CHECKPOINT_INTERVAL]
        results = await context.map(process_item, part, batch_size=BATCH_SIZE, on_error="collect")
        processed += [result["item_id"] for result in results if result is not None]
        failed += [{**each, "index": each["index"] + start} for each in results.failed]
        context.save_checkpoint("progress", {"processed": len(processed), "failed": len(failed)})
        context.progress(start + len(part), len(items), f"{len(processed)} done, {len(failed)} failed")
    if notify:
        await context.notify("Processing is done", f"{len(processed)} of {len(items)} items were processed.")
    return {"total": len(items), "processed_items": processed, "failed_items": failed}
