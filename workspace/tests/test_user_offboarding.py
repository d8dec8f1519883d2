"""The parent with children, and what a child's failure does to it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bifrost import ValidationError
from bifrost.testing import context
from workspace.workflows.user_management.user_offboarding import (
    offboarding_access,
    offboarding_devices,
    offboarding_handover,
    user_offboarding,
)


async def access(child: Any, email: str, last_day: str) -> Any:
    return await offboarding_access(child, email, date.fromisoformat(last_day))


async def handover(child: Any, email: str, manager: str, last_day: str) -> Any:
    return await offboarding_handover(child, email, manager, date.fromisoformat(last_day))


async def devices(child: Any, email: str, devices: list[str], last_day: str) -> Any:
    return await offboarding_devices(child, email, date.fromisoformat(last_day), devices)


CHILDREN = {"offboarding_access": access, "offboarding_handover": handover, "offboarding_devices": devices}


@pytest.mark.asyncio
async def test_the_checklist_holds_every_part_in_order_of_time() -> None:
    run = context(workflows=CHILDREN, config={"sign_in_systems": ["VPN"], "mailbox_retention_days": 10})
    result = await user_offboarding(run, "ann@acme.com", date(2026, 3, 31), "bob@acme.com", ["LT-7"])
    assert [(task["due"], task["task"]) for task in result["checklist"]] == [
        ("2026-03-31", "Block sign-in of ann@acme.com: VPN"),
        ("2026-03-31", "Give bob@acme.com access to the mailbox of ann@acme.com"),
        ("2026-04-03", "Collect and wipe LT-7"),
        ("2026-04-07", "Move the files of ann@acme.com to bob@acme.com"),
        ("2026-04-10", "Delete the mailbox of ann@acme.com"),
    ]


@pytest.mark.asyncio
async def test_a_childs_failure_reaches_the_parent() -> None:
    run = context(workflows=CHILDREN)
    with pytest.raises(ValidationError) as caught:
        await user_offboarding(run, "ann@acme.com", date(2026, 3, 31), "Ann@acme.com", [])
    assert caught.value.field == "manager"
