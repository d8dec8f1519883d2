"""What reports know about licenses. Not a workflow: workflows import it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bifrost import ValidationError


def seats(rows: Iterable[Any], prices: Mapping[str, float]) -> list[dict[str, Any]]:
    """Bought, assigned and unused seats of each product and what the unused ones cost a month.

    Raises ValidationError naming the first row that is no license.
    """
    found = []
    for index, row in enumerate(rows):
        try:
            product, bought, assigned = str(row["product"]), int(row["bought"]), int(row["assigned"])
        except (KeyError, TypeError, ValueError):
            raise ValidationError(
                "A license needs product, bought and assigned", field="licenses", details={"row": index}
            ) from None
        unused = max(bought - assigned, 0)
        price = float(prices.get(product, 0.0))
        found.append(
            {
                "product": product,
                "bought": bought,
                "assigned": assigned,
                "unused": unused,
                "over_assigned": max(assigned - bought, 0),
                "unused_cost": round(unused * price, 2),
            }
        )
    return sorted(found, key=lambda license: (-license["unused_cost"], license["product"]))
