"""Somebody new, without any outside service: what to try the portal with. `employee_onboarding` is the real one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from bifrost import OrganizationContext, ValidationError, param, step, workflow

TASKS = {
    "laptop": "Prepare the laptop",
    "phone": "Order a phone and a number",
    "desk": "Reserve a desk",
    "badge": "Print the badge",
}


@step
async def reserve_account(email: str) -> str:
    """Where Microsoft 365 would be asked."""
    return email.partition("@")[0].lower()


@step
async def open_task(title: str, due: str) -> dict[str, str]:
    """Where the service desk would be asked."""
    return {"task": title, "due": due}


@workflow(category="user_management", execution_mode="async", timeout_seconds=600, tags=["demo", "approval"])
@param("name", "string", "Full name", required=True, validation={"min_length": 1, "max_length": 100})
@param("email", "email", "Address of the new colleague", required=True)
@param("start_on", "date", "First day", required=True)
@param("ends_on", "date", "Last day of a guest")
@param("department", "string", "Department", required=True, data_provider="get_departments")
@param("team", "string", "Team", required=True, data_provider="get_teams")
@param("needs", "list", "What to prepare", default_value=["laptop"])
async def welcome_colleague(
    context: OrganizationContext,
    name: str,
    email: str,
    start_on: date,
    ends_on: date | None,
    department: str,
    team: str,
    needs: list[str],
) -> dict[str, Any]:
    """Plans the first day of a new colleague once somebody has approved it."""
    if ends_on is not None and ends_on < start_on:
        raise ValidationError("The last day is before the first.", field="ends_on")
    account = await reserve_account(email)
    context.log("info", f"The account {account} is reserved", {"department": department})
    context.progress(1, 3, "Waiting for approval")
    until = f", until {ends_on:%d %B %Y}" if ends_on else ""
    decision = await context.wait_for_approval(
        f"Welcome {name}",
        {
            "team": {"type": "string", "label": "Team", "default": team, "required": True},
            "needs": {"type": "list", "label": "What to prepare", "default": needs},
        },
        timeout=timedelta(days=14),
        default=None,
        message=f"{name} begins on {start_on:%d %B %Y} in {team}{until}.",
    )
    if not decision:
        context.result_card("Not approved", text="Nothing was prepared.", tone="warning")
        return {"approved": False, "account": account}
    context.progress(2, 3, "Preparing the first day")
    due = (start_on - timedelta(days=1)).isoformat()
    wanted = [TASKS.get(need, f"Prepare: {need}") for need in decision.values.get("needs") or []]
    # Each is a step with its own title, which whoever asked reads on the page of the run.
    tasks = [await context.step(title, open_task, title, due) for title in ["Create the account", *wanted]]
    context.progress(3, 3, "All is planned")
    _show(context, name, decision.values["team"], account, tasks)
    return {"approved": True, "account": account, "team": decision.values["team"], "tasks": tasks}


def _show(context: OrganizationContext, name: str, team: str, account: str, tasks: list[dict[str, str]]) -> None:
    context.result_card(
        f"{name} can begin",
        text=f"Everything below is on the desk's list. The account **{account}** opens on the first day.",
        values={"Account": account, "Team": team, "Tasks": len(tasks)},
        table=[{"Task": task["task"], "Due": task["due"]} for task in tasks],
    )
