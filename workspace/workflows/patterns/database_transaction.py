"""The database pattern: several operations on an outside PostgreSQL in one transaction, all of them or none."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, param, workflow


@workflow(name="database_transaction", category="patterns", tags=["patterns"], execution_mode="async")
@param("sku", "string", "What is ordered", required=True)
@param("quantity", "int", "How many", required=True, validation={"min": 1})
async def database_transaction(context: OrganizationContext, sku: str, quantity: int) -> dict[str, Any]:
    """Take an order and lower the stock, in the database whose address is the secret orders_database."""
    answers = await context.database("orders_database").transaction(
        [
            ("UPDATE stock SET quantity = quantity - %s WHERE sku = %s RETURNING quantity", [quantity, sku]),
            ("INSERT INTO orders (sku, quantity) VALUES (%s, %s) RETURNING id", [sku, quantity]),
        ],
        name="take the order",
        exactly_once=True,  # the database remembers that it was done
        options={"retry_policy": {"max_attempts": 3, "initial_interval_seconds": 0.1}},
    )
    return {"left": answers[0]["rows"], "order": answers[1]["rows"]}
