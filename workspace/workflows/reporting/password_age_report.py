"""Whose password is older than the customer's policy allows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from bifrost import OrganizationContext, ValidationError, param, workflow


@workflow(name="password_age_report", category="reporting", tags=["security"])
@param("accounts", "list", "Rows with account and changed_on", required=True)
@param("as_of", "date", "The day to count from; today if not given")
async def password_age_report(
    context: OrganizationContext, accounts: list[Any], as_of: date | None = None
) -> dict[str, Any]:
    """List accounts whose password is older than the config `password_max_age_days` (90) allows."""
    today = as_of or datetime.now(UTC).date()
    limit = context.get_config("password_max_age_days", 90)
    read = [read_account(index, row) for index, row in enumerate(accounts)]
    ages = [(account, (today - changed_on).days) for account, changed_on in read]
    overdue = sorted(({"account": name, "days": days} for name, days in ages if days > limit), key=_oldest_first)
    context.log("info", f"{len(overdue)} of {len(ages)} accounts are overdue", {"limit_days": limit})
    return {"as_of": today.isoformat(), "limit_days": limit, "checked": len(ages), "overdue": overdue}


def read_account(index: int, row: Any) -> tuple[str, date]:
    """The account and when its password was changed. Raises ValidationError naming a row that lacks one of them."""
    try:
        account, changed_on = str(row["account"]), date.fromisoformat(row["changed_on"])
    except (KeyError, TypeError, ValueError):
        account = ""
    if not account:
        raise ValidationError("An account needs account and changed_on", field="accounts", details={"row": index})
    return account, changed_on


def _oldest_first(row: dict[str, Any]) -> tuple[int, str]:
    return -row["days"], row["account"]
