"""The patterns by themselves, with virtual time: what an author's own tests look like."""

from __future__ import annotations

import time

import pytest
from workflows.patterns.distributed_transaction_saga import distributed_transaction_saga
from workflows.patterns.event_driven_workflow import event_driven_workflow
from workflows.patterns.long_running_process import long_running_process

from bifrost import IntegrationError
from bifrost.testing import context


@pytest.mark.asyncio
async def test_a_day_without_an_event_takes_no_time() -> None:
    ctx = context(signals=[("workflow_event", {"amount": 5})])
    began, before = time.monotonic(), ctx.now()

    result = await event_driven_workflow(ctx, workflow_id="order-7")

    assert (result["event_count"], result["completion_reason"]) == (1, "Timeout")
    assert (ctx.now() - before).total_seconds() == pytest.approx(86_400, abs=5)
    assert time.monotonic() - began < 5


@pytest.mark.asyncio
async def test_an_event_completes_it() -> None:
    ctx = context(signals=[("workflow_event", {"amount": 5}), ("workflow_event", {"type": "complete"})])
    result = await event_driven_workflow(ctx, workflow_id="order-7")
    assert (result["final_state"], result["completion_reason"]) == ({"total": 5}, "EventTriggered")


@pytest.mark.asyncio
async def test_what_was_done_is_undone() -> None:
    ctx = context()
    with pytest.raises(IntegrationError, match="The mailbox is full"):
        await distributed_transaction_saga(ctx, email="ann@acme.example", sku="E3", mailbox_is_full=True)
    undone = [record.name for record in ctx.records if record.kind == "step" and record.name.startswith("compensate")]
    assert undone == ["compensate reserve a license", "compensate create_user"]


@pytest.mark.asyncio
async def test_one_that_fails_stops_no_other() -> None:
    result = await long_running_process(context(), items=["ann", 7, "bob"], notify=False)
    assert result["processed_items"] == ["ann", "bob"]
    assert [(each["index"], each["item"]) for each in result["failed_items"]] == [(1, 7)]
