"""Equipment for somebody: at once where it is cheap, after an approval where it is not. Needs no outside service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workflows.examples.price_list import Item, item

from bifrost import OrganizationContext, ValidationError, param, step, workflow

USUAL_LIMIT = 500.0


@step
async def place_order(number: str, quantity: int, address: str) -> dict[str, Any]:
    """Where a supplier's API would be asked."""
    return {"item": number, "quantity": quantity, "address": address}


@workflow(category="examples", execution_mode="async", timeout_seconds=300, tags=["demo", "approval"])
@param("kind", "string", "What is needed", required=True, data_provider="get_equipment_kinds")
@param("model", "string", "Which one", required=True, data_provider="get_equipment")
@param("quantity", "int", "How many", default_value=1, validation={"min": 1, "max": 20})
@param("delivery", "string", "Where it goes", default_value="office", validation={"enum": ["office", "home"]})
@param("address", "string", "Address for a delivery home")
@param("reason", "string", "What it is for", required=True, validation={"min_length": 3, "max_length": 500})
async def request_equipment(
    context: OrganizationContext,
    kind: str,
    model: str,
    quantity: int,
    delivery: str,
    address: str | None,
    reason: str,
) -> dict[str, Any]:
    """Orders equipment. Above the config `equipment_limit` (500 €) somebody has to approve it."""
    chosen = item(model)
    if chosen is None or chosen.kind != kind:
        raise ValidationError("There is no such equipment.", field="model")
    if delivery == "home" and not address:
        raise ValidationError("A delivery home needs an address.", field="address")
    limit = float(context.get_config("equipment_limit", USUAL_LIMIT))
    if chosen.price * quantity > limit:
        context.progress(1, 3, "Waiting for approval")
        approved = await _approved_quantity(context, chosen, quantity, reason)
        if approved is None:
            context.result_card("Not approved", text="Nothing was ordered.", tone="warning")
            return {"ordered": False, "model": model}
        quantity = approved
    context.progress(2, 3, "Ordering")
    order = await place_order(model, quantity, address if delivery == "home" and address else "Office")
    number = f"EQ-{context.uuid().hex[:6].upper()}"
    total = chosen.price * quantity
    context.progress(3, 3, "Ordered")
    context.result_card(
        "Your order is placed",
        text=f"It arrives within five working days. Ask for it by its number, **{number}**.",
        values={"Order": number, "Goes to": order["address"], "Total": f"{total:,.2f} €"},
        table=[{"Item": chosen.name, "Quantity": quantity, "Price": f"{chosen.price:,.2f} €"}],
    )
    return {"ordered": True, "number": number, "model": model, "quantity": quantity, "total": total}


async def _approved_quantity(context: OrganizationContext, chosen: Item, quantity: int, reason: str) -> int | None:
    """How many whoever approves lets through; None where that one does not, or nobody decides within a week."""
    decision = await context.wait_for_approval(
        f"{quantity} x {chosen.name} for {context.caller.name}",
        {
            "quantity": {
                "type": "int",
                "label": "How many",
                "default": quantity,
                "required": True,
                "validation": {"min": 1, "max": 20},
            }
        },
        timeout=timedelta(days=7),
        default=None,
        message=f"{chosen.price * quantity:,.2f} €. Reason: {reason}",
    )
    return int(decision.values["quantity"]) if decision else None
