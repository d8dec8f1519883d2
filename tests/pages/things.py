"""What there is to look at in Acme's portal: a request in every state, approvals that wait, a form open to all."""

from __future__ import annotations

from textwrap import dedent

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack

WORKFLOWS = """
    from datetime import timedelta

    from bifrost import IntegrationError, OrganizationContext, workflow

    async def look(what):
        return what

    async def take_back(what):
        return what

    async def refuse():
        raise IntegrationError("The disk is full", "backup", 507)

    @workflow(category="examples", execution_mode="async")
    async def back_up_laptops(context: OrganizationContext, site: str):
        \"\"\"Shows all that a card can hold.\"\"\"
        context.progress(1, 2, "Looking for laptops")
        await context.step("Find the laptops", look, site)
        context.log("info", f"Looking at {site}")
        context.log("warning", "One laptop answers slowly")
        context.log("error", "One laptop does not answer")
        report = await context.save_file("report.csv", b"laptop,size\\nLT-1,12\\n", "text/csv")
        context.result_card(
            "The backup is there",
            text="All of **" + site + "** was saved:\\n\\n- documents\\n- mail\\n\\nSee [the page](https://acme.example).",
            values={"Site": site, "Laptops": 3, "Complete": True, "Path": "/backups/" + "very-long-name-" * 12},
            table=[{"Laptop": f"LT-{number}", "Size": f"{number * 12} GB", "State": "Saved"} for number in range(1, 4)],
            links={"Open the archive": "https://acme.example/archive"},
            files=[report],
        )
        context.result_card("One laptop is old", text="It is replaced in spring.", tone="info")
        return {"laptops": 3}

    @workflow(category="examples", execution_mode="async")
    async def check_laptops(context: OrganizationContext, site: str):
        \"\"\"Some of it works.\"\"\"
        found = [{"laptop": f"LT-{number}", "free": number * 10, "encrypted": number != 2} for number in range(1, 5)]
        return context.complete_with_errors(
            {"site": site, "laptops": found, "advice": None, "tags": ["new", "blue"]},
            [{"laptop": "LT-7", "why": "It does not answer"}],
        )

    @workflow(category="examples", execution_mode="async")
    async def move_mailbox(context: OrganizationContext, person: str):
        \"\"\"Is undone.\"\"\"
        async with context.saga("move") as saga:
            await saga.step("Make the new mailbox", look, person, compensate=take_back)
            await saga.step("Copy the letters", refuse)

    @workflow(category="examples", execution_mode="async")
    async def remind(context: OrganizationContext, person: str):
        \"\"\"Sleeps for long.\"\"\"
        await context.sleep(timedelta(days=3))
"""
MAKE_PUBLIC_FORM = """
from datetime import timedelta
from django.utils import timezone
from forms_app import public, versions
from orgs import directory
from orgs.records import COMMAND_LINE
acme = directory.organization_by_org_id("acme")
made = versions.create(acme, COMMAND_LINE, "tell", slug="tell-us", name="Tell us something")
versions.publish(acme, made, COMMAND_LINE)
print("token", public.open_link(acme, made, COMMAND_LINE, until=timezone.now() + timedelta(days=1)))
"""
WELCOME = {
    "name": "Bea Example",
    "email": "bea@acme.example",
    "start_on": "2027-03-01",
    "department": "it",
    "team": "Security",
}


def public_form(stack: Stack) -> str:
    """The path of a link by which strangers fill in a form of Acme's own."""
    said = stack.manage("shell", "-v", "0", "-c", MAKE_PUBLIC_FORM).split()
    return f"/public/{said[said.index('token') + 1]}"


def requests_in_every_state(stack: Stack) -> dict[str, str]:
    """The ids of executions by their states, and those of approvals that wait."""
    (stack.workspace / "workflows" / "states.py").write_text(dedent(WORKFLOWS))
    listed = "/api/workflows"
    eventually(lambda: "move_mailbox" in stack.call("GET", listed, stack.token("acme")).text, "the workflows are there")
    made = {
        "done": _started(stack, "back_up_laptops", site="London"),
        "with_problems": _started(stack, "check_laptops", site="London"),
        "failed": _started(stack, "stumble"),
        "undone": _started(stack, "move_mailbox", person="Ada"),
        "cancelled": _started(stack, "linger"),
        "rejected": _started(stack, "remove_user", email="bo@acme.example"),
        "running": _started(stack, "linger"),
        "start_waits": _started(stack, "remove_user", email="cy@acme.example"),
        "step_waits": _started(stack, "welcome_colleague", **WELCOME),
        "paused": _started(stack, "remind", person="Ada"),
    }
    _reach(stack, made["cancelled"], "Running")
    stack.call("POST", f"/api/executions/{made['cancelled']}/cancel", stack.token("acme"))
    _reject(stack, made["rejected"])
    for state, reached in REACHED.items():
        _reach(stack, made[state], reached)
    approvals = {f"{kind}_approval": approval_of(stack, made[f"{kind}_waits"]) for kind in ("start", "step")}
    return {**made, **approvals}


REACHED = {
    "done": "Success",
    "with_problems": "CompletedWithErrors",
    "failed": "Failed",
    "undone": "Compensated",
    "cancelled": "Cancelled",
    "rejected": "Rejected",
    "running": "Running",
    "start_waits": "PendingApproval",
    "step_waits": "Suspended",
    "paused": "Suspended",
}


def approval_of(stack: Stack, execution: str) -> str:
    statement = f"SELECT id FROM {stack.schema('acme')}.workflows_app_approval WHERE execution_id = %s"
    found = eventually(lambda: stack.sql(statement, execution), "its approval")
    return str(found[0][0])


def _started(stack: Stack, workflow: str, **parameters: object) -> str:
    return str(stack.run(workflow, **parameters).json()["executionId"])


def _reach(stack: Stack, execution: str, status: str) -> None:
    eventually(lambda: stack.record(execution)["status"] == status, status)


def _reject(stack: Stack, execution: str) -> None:
    """By somebody else than whoever asked."""
    path = f"/api/approvals/{approval_of(stack, execution)}/reject"
    comment = {"comment": "He is still needed."}
    headers = {"X-Organization-Id": "acme"}
    answer = stack.call("POST", path, stack.up.document["mspToken"], json=comment, headers=headers)
    assert answer.status_code == 200, answer.text
