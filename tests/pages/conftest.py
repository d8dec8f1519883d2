"""One running platform and one browser for all tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack, running_stack
from tests.pages.portal import prepare_demo_forms
from tests.pages.visiting import ARGUMENTS, PATIENCE, Visitor, session, visiting

VARIABLES = {
    "BIFROST_WORKSPACE_POLL_SECONDS": "0.1",
    "BIFROST_STOP_GRACE_SECONDS": "1",
    "BIFROST_PRIVATE_NETWORKS": "127.0.0.0/8",
}
TECHNICIAN = ("technician@msp.example", "correct horse battery")
WORKFLOWS = """
    import asyncio

    from bifrost import OrganizationContext, RetryPolicy, workflow

    @workflow(category="examples")
    async def tell(context: OrganizationContext, message: str):
        \"\"\"Writes a message into its log.\"\"\"
        context.log("info", f"Told {message}", {"length": len(message)})
        return {"told": message}

    @workflow(category="examples")
    async def stumble(context: OrganizationContext):
        \"\"\"Fails in a way that nobody foresaw.\"\"\"
        return {}["missing"]

    @workflow(category="examples", execution_mode="async", timeout_seconds=600)
    async def linger(context: OrganizationContext):
        \"\"\"Takes its time.\"\"\"
        await asyncio.sleep(500)

    @workflow(category="examples", execution_mode="async",
              retry_policy=RetryPolicy(max_attempts=2, initial_interval_seconds=0.5))
    async def falter(context: OrganizationContext):
        \"\"\"Fails each time.\"\"\"
        raise RuntimeError(f"attempt {context.attempt}")

    @workflow(category="examples", requires_approval=True)
    async def remove_user(context: OrganizationContext, email: str):
        \"\"\"Needs somebody's yes.\"\"\"
        return {"removed": email}

    @workflow(category="examples", execution_mode="scheduled", schedule="0 3 * * *")
    async def report_by_night(context: OrganizationContext, days: int = 7, labels: dict[str, str] = {}):
        \"\"\"Runs by the clock.\"\"\"
        return "reported"

    @workflow(category="examples", execution_mode="scheduled", schedule="0 4 * * *")
    async def stamp_by_night(context: OrganizationContext):
        \"\"\"Has no schedule yet.\"\"\"
        return "stamped"

    @workflow(category="examples", execution_mode="async", webhook_enabled=True)
    async def take_ticket(context: OrganizationContext, ticket: int):
        \"\"\"Started by another system.\"\"\"
        return {"ticket": ticket}
"""
BROKEN = "from library_that_is_missing import client\n"
MAKE_TECHNICIAN = """
from orgs.models import Membership, Organization, User
member = Membership.objects.create(
    user=User.objects.create_user({0!r}, {1!r}), organization=Organization.objects.get(is_msp=True), role="technician"
)
member.organizations.add(Organization.objects.get(org_id="acme"))
"""


# Not for the session: while it lasts, this thread has a running event loop, which other tests must not have.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Chromium without its own windows takes a third of the time.
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        missing = "Chromium is missing (apt-get install chromium)."
        if os.environ.get("BIFROST_CI") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def stack(browser: Browser) -> Iterator[Stack]:
    """The platform with two workflows more, a file that does not load, and a technician who has Acme alone."""
    with running_stack(**VARIABLES) as running:
        (running.workspace / "workflows" / "telling.py").write_text(dedent(WORKFLOWS))
        (running.workspace / "workflows" / "broken.py").write_text(BROKEN)
        running.manage("shell", "-v", "0", "-c", MAKE_TECHNICIAN.format(*TECHNICIAN))
        eventually(lambda: "broken.py" in running.health().text, "the broken file is noticed")
        yield running


@pytest.fixture(scope="package")
def demo(stack: Stack) -> Stack:
    """The same platform with the forms, shared with all customers, that bin/up makes to try it with."""
    prepare_demo_forms(stack)
    return stack


@pytest.fixture(scope="package")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shots")


@pytest.fixture
def shot(shots: Path, request: pytest.FixtureRequest) -> Path:
    """Where the last sight of this test is kept."""
    return shots / ("".join(letter if letter.isalnum() else "-" for letter in request.node.name) + ".png")


@pytest.fixture
def visitor(browser: Browser, stack: Stack, shot: Path) -> Iterator[Visitor]:
    """Somebody who has not signed in."""
    with session(browser) as context, visiting(context, stack.url, shot) as visit:
        yield visit


@pytest.fixture(scope="package")
def administrator_s_phone(browser: Browser, administrator: BrowserContext) -> Iterator[BrowserContext]:
    """The same session on a phone, in the dark."""
    with session(browser, phone=True, state=administrator.storage_state()) as context:
        yield context


@pytest.fixture
def phone(administrator_s_phone: BrowserContext, stack: Stack, shot: Path) -> Iterator[Visitor]:
    """The administrator with a phone."""
    with visiting(administrator_s_phone, stack.url, shot) as visit:
        yield visit


@pytest.fixture(scope="package")
def administrator(browser: Browser, stack: Stack, shots: Path) -> Iterator[BrowserContext]:
    """The session of the administrator, who signs in once."""
    with session(browser) as context:
        with visiting(context, stack.url, shots / "signed-in.png") as visit:
            visit.sign_in(**stack.up.document["admin"])
            assert visit.heading == "Overview"
        yield context


@pytest.fixture
def staff(administrator: BrowserContext, stack: Stack, shot: Path) -> Iterator[Visitor]:
    """The administrator, signed in."""
    with visiting(administrator, stack.url, shot) as visit:
        yield visit
