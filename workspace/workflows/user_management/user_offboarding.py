"""A parent with children: what has to be done when somebody leaves, as one checklist."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from bifrost import OrganizationContext, ValidationError, param, workflow

Task = dict[str, str]


@workflow(name="user_offboarding", category="user_management", tags=["checklist"])
@param("email", "email", "Who leaves", required=True)
@param("last_day", "date", "Last working day", required=True)
@param("manager", "email", "Who takes over mail and files", required=True)
@param("devices", "list", "Names of devices to collect", default_value=[])
async def user_offboarding(
    context: OrganizationContext, email: str, last_day: date, manager: str, devices: list[Any]
) -> dict[str, Any]:
    """Put together the checklist for somebody who leaves. Each part is a workflow of its own."""
    day = last_day.isoformat()
    parts = await asyncio.gather(
        context.execute_workflow("offboarding_access", {"email": email, "last_day": day}),
        context.execute_workflow("offboarding_handover", {"email": email, "manager": manager, "last_day": day}),
        context.execute_workflow("offboarding_devices", {"email": email, "devices": devices, "last_day": day}),
    )
    checklist = sorted((task for part in parts for task in part), key=lambda task: (task["due"], task["task"]))
    context.save_checkpoint("checklist_complete", {"tasks": len(checklist)})
    return {"email": email, "last_day": day, "checklist": checklist}


@workflow(name="offboarding_access", category="user_management", tags=["checklist"], expose_in_forms=False)
async def offboarding_access(context: OrganizationContext, email: str, last_day: date) -> list[Task]:
    """What to do about sign-ins, on the last day itself."""
    systems = context.get_config("sign_in_systems", ["Microsoft 365", "VPN", "Password manager"])
    context.log("info", "Listing sign-ins to block", {"systems": len(systems)})
    return [_task(f"Block sign-in of {email}: {system}", last_day, "service desk") for system in systems]


@workflow(name="offboarding_handover", category="user_management", tags=["checklist"], expose_in_forms=False)
async def offboarding_handover(context: OrganizationContext, email: str, manager: str, last_day: date) -> list[Task]:
    """Who gets mail and files, and when the mailbox goes."""
    if manager.casefold() == email.casefold():
        raise ValidationError("The person who leaves cannot take over from themselves", field="manager")
    keep_days = context.get_config("mailbox_retention_days", 30)
    return [
        _task(f"Give {manager} access to the mailbox of {email}", last_day, "service desk"),
        _task(f"Move the files of {email} to {manager}", last_day + timedelta(days=7), manager),
        _task(f"Delete the mailbox of {email}", last_day + timedelta(days=keep_days), "service desk"),
    ]


@workflow(name="offboarding_devices", category="user_management", tags=["checklist"], expose_in_forms=False)
async def offboarding_devices(
    context: OrganizationContext, email: str, last_day: date, devices: list[str]
) -> list[Task]:
    """Which devices come back."""
    if not devices:
        context.log("warning", f"No device is on record for {email}")
    return [_task(f"Collect and wipe {device}", last_day + timedelta(days=3), "field service") for device in devices]


def _task(task: str, due: date, owner: str) -> Task:
    return {"task": task, "due": due.isoformat(), "owner": owner}
