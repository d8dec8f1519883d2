"""The guide's conditional pattern: one workflow, two ways through the same data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bifrost import OrganizationContext, ValidationError, param, workflow


@workflow(name="conditional_processing", category="examples", tags=["patterns"])
@param("data", "list", "Computer names", required=True)
@param("processing_type", "string", "bulk or stream", required=True)
async def conditional_processing(context: OrganizationContext, data: list[Any], processing_type: str) -> dict[str, Any]:
    """Bring computer names into the house style, all at once or one by one with progress."""
    if processing_type == "bulk":
        results = [await process_single_item(item) for item in data]
        return {"processed": len(results), "results": results}

    if processing_type == "stream":
        processed_count = 0
        async for item in stream_data(data):
            await process_single_item(item)
            processed_count += 1
            if processed_count % 100 == 0:
                context.save_checkpoint("stream_progress", {"processed": processed_count})
        return {"processed": processed_count}

    raise ValidationError(
        "Invalid processing type", field="processing_type", details={"valid_types": ["bulk", "stream"]}
    )


async def process_single_item(item: Any) -> str:
    return str(item).strip().upper().replace(" ", "-")[:15]


async def stream_data(data: list[Any]) -> AsyncIterator[Any]:
    for item in data:
        yield item
