"""What checks say, what they may ask for, and what becomes of one that fails or does not come back."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from bifrost.sdk.errors import ValidationError
from integrations.configs import set_config
from orgs.records import OrganizationRecord
from orgs.tenancy import current_schema
from tests.workflows_app.engine.conftest import ADA, Workspace
from tests.workflows_app.engine.working import eventually
from workflows_app import catalog
from workflows_app.checks import session
from workflows_app.checks.running import Finding, run_checks
from workflows_app.checks.session import NOT_CHECKED
from workflows_app.errors import PlatformUnavailable

PROVIDERS = """
    @data_provider()
    async def get_licenses(context, region="eu"):
        return [{"value": "E3", "label": "Office E3", "metadata": {"left": 2 if region == "eu" else 0}}]

    @data_provider()
    async def get_nothing(context):
        raise IntegrationError("The license server at 10.0.0.1 said no")
"""


@pytest.fixture
def checked(workspace: Workspace, acme: OrganizationRecord) -> Any:
    """What the checks of a source say: its functions marked @check, in their order, of one workflow."""

    def findings(source: str, values: dict[str, Any] | None = None, parameters: str = "license: str = ''") -> Any:
        workspace.add(PROVIDERS, "data_providers/providers.py")
        names = [line.split("def ")[1].split("(")[0] for line in source.splitlines() if "def " in line]
        tail = f"""
    @workflow(checks=[{", ".join(names)}])
    async def order(context, {parameters}): ...
"""
        workspace.add(source + tail)
        return run_checks(acme, catalog.find("order"), values or {}, ADA)

    return findings


def test_what_they_say_comes_in_their_order_with_their_level(checked: Any) -> None:
    found = checked("""
    @check("warn")
    async def slow(context):
        await asyncio.sleep(0.05)
        return "It is slow. "

    @check("inform")
    def content(context):
        return None

    @check()
    async def content_as_well(context):
        return True

    @check("inform")
    def quick(context):
        return "It is quick."

    @check()
    def never(context):
        return "Never."
    """)

    assert found == [
        Finding("warn", "It is slow.", "slow"),
        Finding("inform", "It is quick.", "quick"),
        Finding("block", "Never.", "never"),
    ]


def test_a_workflow_without_checks_costs_no_thread(workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add("@workflow\nasync def plain(context): ...")

    assert run_checks(acme, catalog.find("plain"), {"surplus": 1}, ADA) == []


def test_they_get_parameters_by_name_as_the_workflow_would(checked: Any) -> None:
    found = checked(
        """
    import datetime

    @check("inform")
    def tells(context, seats, start, note, license):
        return f"{seats!r} {start.year} {note!r} {license!r}"

    @check("inform")
    def tells_all(context, **values):
        return " ".join(sorted(values))
    """,
        {"start": "2026-05-04T00:00:00Z", "license": "E3"},
        "start: datetime.datetime, license: str, seats: int = 3, note: str | None = None",
    )

    assert [finding.message for finding in found] == ["3 2026 None 'E3'", "license note seats start"]


def test_each_has_its_own_copy(checked: Any) -> None:
    found = checked(
        """
    @check("inform")
    def changes(context, tags):
        tags.append("changed")
        return " ".join(tags)

    @check("inform")
    async def comes_later(context, tags):
        await asyncio.sleep(0.05)
        return " ".join(tags)
    """,
        {"tags": ["a"]},
        "tags: list[str]",
    )

    assert [finding.message for finding in found] == ["a changed", "a"]


def test_values_that_the_workflow_would_refuse_are_refused(checked: Any) -> None:
    with pytest.raises(ValidationError, match="seats"):
        checked("""
    @check()
    def never(context):
        return "Never."
    """, {"seats": "many"}, "seats: int")  # fmt: skip


# --- what they may ask for --------------------------------------------------------------------------------------------


def test_a_check_asks_data_providers(checked: Any, acme: OrganizationRecord) -> None:
    source = """
    @check()
    async def license_is_free(context, license, region):
        here, there = await asyncio.gather(
            context.get_options("get_licenses", region=region), context.get_options("get_licenses", region="us"))
        assert there[0]["metadata"] == {"left": 0} and here[0]["label"] == "Office E3"
        left = {option["value"]: option["metadata"]["left"] for option in here}
        return None if left.get(license) else f"No {license} license is free."
    """
    parameters = "license: str, region: str = 'eu'"

    assert checked(source, {"license": "E3"}, parameters) == []
    assert checked(source, {"license": "E3", "region": "us"}, parameters) == [
        Finding("block", "No E3 license is free.", "license_is_free")
    ]
    assert current_schema() == "public"


def test_it_knows_who_asks_where_and_the_organizations_configs(checked: Any, acme: OrganizationRecord) -> None:
    set_config(acme, "most_seats", 5, "int")

    found = checked("""
    @check("inform")
    def tells(context):
        who = f"{context.caller.name} {context.caller.email} at {context.org_id} ({context.org_name})"
        return f"{who}: {context.get_config('most_seats')} {context.get_config('x', 1)} {context.has_config('x')}"
    """)

    assert found[0].message == "Ada ada@acme.example at acme (Acme): 5 1 False"


def test_another_organizations_configs_are_not_seen(checked: Any, globex: OrganizationRecord) -> None:
    set_config(globex, "most_seats", 5, "int")

    assert checked("""
    @check()
    def tells(context):
        return None if not context.has_config("most_seats") else "seen"
    """) == []  # fmt: skip


def test_its_code_reaches_no_database(checked: Any) -> None:
    found = checked("""
    @check()
    def reaches(context):
        from orgs.models import User
        return f"{User.objects.count()}"
    """)

    assert found == [Finding("block", NOT_CHECKED, "reaches")]


# --- when it goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('the password is hunter2')",
        "raise ValidationError('not for people')",
        "return False",
        "return ''",
        "return 1",
        "return ['a']",
        "await context.get_options('get_nothing')",
        "await context.get_options('no_such_provider')",
        "await context.get_options('get_licenses', surplus=1)",
        "context.get_config('a_secret')",
    ],
)
@pytest.mark.parametrize("level", ["block", "warn", "inform"])
def test_one_that_cannot_say_blocks_without_a_word_of_why(
    checked: Any, acme: OrganizationRecord, caplog: pytest.LogCaptureFixture, body: str, level: str
) -> None:
    set_config(acme, "a_secret", "halopsa_api_key", "secret")
    source = f"""
    @check({level!r})
    async def breaks(context):
        {body}

    @check("inform")
    def goes_on(context):
        return "All the same."
    """

    with caplog.at_level(logging.ERROR):
        found = checked(source)

    assert found == [Finding("block", NOT_CHECKED, "breaks"), Finding("inform", "All the same.", "goes_on")]
    assert "hunter2" not in NOT_CHECKED


@pytest.mark.parametrize("body", ["await asyncio.sleep(60)", "time.sleep(3)", "while True: pass"])
def test_one_that_takes_too_long_blocks_and_the_others_are_heard(
    checked: Any, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(session, "LIMIT_SECONDS", 0.2)
    monkeypatch.setattr(session, "GRACE_SECONDS", 0.1)
    source = f"""
    @check("inform")
    def quick(context):
        return "Quick."

    @check("warn")
    async def slow(context):
        {body}
    """

    assert checked(source) == [Finding("inform", "Quick.", "quick"), Finding("block", NOT_CHECKED, "slow")]
    eventually(lambda: not [each for each in threading.enumerate() if each.name == "checks"], "end of its thread")


def test_too_many_at_once_are_told_to_come_again(checked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
    @check()
    def content(context): ...
    """
    assert checked(source) == []
    full = threading.BoundedSemaphore(1)
    monkeypatch.setattr(session, "_places", full)

    with full, pytest.raises(PlatformUnavailable, match="Too many checks"):
        checked(source)

    assert checked(source) == [] and checked(source) == []  # the place is free again each time


def test_a_long_answer_is_cut(checked: Any) -> None:
    [found] = checked("""
    @check()
    def talks(context):
        return "x" * 10_000
    """)

    assert found.message == "x" * session.LONGEST_MESSAGE
