"""What an organization sets about its schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bifrost.sdk.errors import PermissionError, ValidationError
from bifrost.sdk.sanitizing import REDACTED
from integrations.errors import VaultUnavailable
from orgs.permissions import EVERYTHING, EXECUTE_WORKFLOWS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_actor
from workflows_app.dispatch.models import Schedule, ScheduleAudience
from workflows_app.dispatch.schedules import database_time
from workflows_app.errors import PlatformUnavailable, ScheduleOfAudience, UnknownSchedule, UnknownWorkflow
from workflows_app.models import ScheduleParameters
from workflows_app.schedules import dispatch_due, get_schedule, parameters, remove, settle, sync_audiences
from workflows_app.schedules.parameters import exact_values, with_kept

from .conftest import NINE, SOURCE, MakeSchedule, Workspace, after, executions_of, row

ADA = make_actor(EVERYTHING)


@pytest.fixture(autouse=True)
def everything(transactional_db: None, workspace: Workspace) -> None:
    """The workspace and the database are there."""


def kept(organization: OrganizationRecord, workflow: str) -> tuple[Any, Any]:
    with org_context(organization):
        found = ScheduleParameters.objects.get(workflow=workflow)
        return found.values, exact_values(organization, found.values, found.values_sealed)


def test_a_new_schedule_has_the_workflows_cron_and_its_next_time(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    settle(acme, "hourly", {}, ADA)
    found, now = row(acme), database_time()
    assert (found.enabled, found.overlap, found.missed, found.effective) == (True, "skip", "run_once", "0 * * * *|UTC")
    assert found.next_run == now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert not Schedule.objects.filter(organization=globex.id).exists()


def test_its_own_cron_and_zone_hold(acme: OrganizationRecord) -> None:
    settle(acme, "hourly", {"cron": "30 4 * * *", "timezone": "Asia/Kolkata"}, ADA)
    assert row(acme).effective == "30 4 * * *|Asia/Kolkata"
    assert f"{row(acme).next_run:%H:%M}" == "23:00"
    settle(acme, "hourly", {"cron": "", "timezone": ""}, ADA)
    assert row(acme).effective == "0 * * * *|UTC"


def test_saving_it_unchanged_keeps_its_next_time(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme, next_run=NINE, overlap="queue", waiting=True, unfinished={"x": "2026-01-01T00:00:00+00:00"})
    before = Schedule.objects.values().get()
    settle(acme, "hourly", {}, ADA)
    settle(acme, "hourly", {"overlap": "queue", "enabled": True}, ADA)
    assert Schedule.objects.values().get() == before


def test_what_is_left_out_stays_as_it_is(acme: OrganizationRecord) -> None:
    settle(acme, "sync_users", {"cron": "0 5 * * *", "missed": "skip", "parameters": {"source": "ad"}}, ADA)
    settle(acme, "sync_users", {"overlap": "parallel"}, ADA)
    found = row(acme, "sync_users")
    assert (found.cron, found.missed, found.overlap) == ("0 5 * * *", "skip", "parallel")
    assert kept(acme, "sync_users")[1] == {"source": "ad"}


def test_times_while_it_was_off_were_not_missed(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    settle(acme, "hourly", {"enabled": False}, ADA)
    assert row(acme).next_run is None
    settle(acme, "hourly", {"enabled": True}, ADA)
    assert row(acme).next_run > database_time()


@pytest.mark.parametrize(
    ("wish", "field", "message"),
    [
        ({"cron": "* * * *"}, "cron", "schedule '* * * *' is not a cron expression of five fields"),
        ({"cron": "0 0 30 2 *"}, "cron", "schedule '0 0 30 2 *' is not a cron expression: failed to find next date"),
        ({"cron": "1," * 60 + "1 * * * *"}, "cron", "It has more than 100 characters."),
        ({"timezone": "Mars/Olympus"}, "timezone", "There is no such time zone as 'Mars/Olympus'."),
        ({"overlap": "replace"}, "overlap", "It has to be one of skip, queue, parallel."),
        ({"missed": "all"}, "missed", "It has to be one of run_once, skip."),
        ({"parameters": {"days": "many"}}, "parameters.days", "has to be a whole number"),
        ({"parameters": {"weeks": 1}}, "parameters.weeks", "unknown"),
    ],
)
def test_what_cannot_be_set_is_named(acme: OrganizationRecord, wish: Any, field: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settle(acme, "hourly", wish, ADA)
    [error] = refused.value.details["errors"]
    assert error["field"] == field == refused.value.field
    if "." not in field:
        assert error["message"] == message
    assert not Schedule.objects.exists()


def test_every_wrong_field_is_named(acme: OrganizationRecord) -> None:
    with pytest.raises(ValidationError) as refused:
        settle(acme, "hourly", {"cron": "x", "timezone": "y", "overlap": "z"}, ADA)
    assert [error["field"] for error in refused.value.details["errors"]] == ["cron", "timezone", "overlap"]


def test_kept_parameters_have_to_fit_when_it_is_enabled(acme: OrganizationRecord, workspace: Workspace) -> None:
    settle(acme, "hourly", {"parameters": {"days": 3}}, ADA)
    workspace.write(SOURCE.replace("days: int = 1", "weeks: int = 1"))
    settle(acme, "hourly", {"enabled": False}, ADA)
    with pytest.raises(ValidationError) as refused:
        settle(acme, "hourly", {"enabled": True}, ADA)
    assert refused.value.field == "parameters.days"
    settle(acme, "hourly", {"enabled": True, "parameters": {"weeks": 2}}, ADA)
    assert row(acme).enabled


@pytest.mark.parametrize(("workflow", "error"), [("nothing", UnknownWorkflow), ("on_demand", ValidationError)])
def test_only_scheduled_workflows_have_schedules(
    acme: OrganizationRecord, workflow: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        settle(acme, workflow, {}, ADA)


def test_nobody_schedules_what_they_may_not_run(acme: OrganizationRecord) -> None:
    with pytest.raises(PermissionError, match="canDelete"):
        settle(acme, "guarded", {}, make_actor(EXECUTE_WORKFLOWS))
    settle(acme, "guarded", {}, make_actor("canDelete"))
    with pytest.raises(PermissionError, match=EXECUTE_WORKFLOWS):
        settle(acme, "hourly", {}, make_actor("canManageSchedules"))


# --- Secrets in parameters -------------------------------------------------------------------------------------------

SECRET = {"source": "ad", "api_key": "hunter22"}


def test_a_secret_is_kept_sealed_and_given_exactly(acme: OrganizationRecord) -> None:
    settle(acme, "sync_users", {"cron": "* * * * *", "parameters": SECRET}, ADA)
    shown, exact = kept(acme, "sync_users")
    assert (shown["api_key"], exact) == (REDACTED, SECRET)
    assert get_schedule(acme, "sync_users")["parameters"] == {"source": "ad", "api_key": REDACTED}
    due = row(acme, "sync_users").next_run
    assert due is not None and dispatch_due(due).started == 1
    [execution] = executions_of(acme, "sync_users")
    assert execution.input["api_key"] == REDACTED
    assert exact_values(acme, execution.input, execution.input_sealed) == SECRET


def test_a_secret_is_kept_whose_name_does_not_say_so(acme: OrganizationRecord, workspace: Workspace) -> None:
    workspace.write(
        SOURCE.replace(
            "    async def sync_users",
            """    @param("pin", "secret")
    async def sync_users""",
        ).replace('api_key: str = ""', "pin=None")
    )
    settle(acme, "sync_users", {"parameters": {"source": "ad", "pin": "hunter22"}}, ADA)
    assert kept(acme, "sync_users") == ({"source": "ad", "pin": REDACTED}, {"source": "ad", "pin": "hunter22"})


def test_sending_back_what_was_read_loses_no_secret(acme: OrganizationRecord) -> None:
    settle(acme, "sync_users", {"parameters": SECRET}, ADA)
    read = get_schedule(acme, "sync_users")["parameters"]
    settle(acme, "sync_users", {"parameters": {**read, "source": "hr"}}, ADA)
    assert kept(acme, "sync_users")[1] == {"source": "hr", "api_key": "hunter22"}
    settle(acme, "sync_users", {"parameters": {"source": "hr", "api_key": "other222"}}, ADA)
    assert kept(acme, "sync_users")[1]["api_key"] == "other222"


def test_a_long_parameter_is_read_whole(acme: OrganizationRecord) -> None:
    settle(acme, "sync_users", {"parameters": {"source": "x" * 5000}}, ADA)
    assert get_schedule(acme, "sync_users")["parameters"] == {"source": "x" * 5000}


def test_only_what_was_shown_redacted_is_taken_from_what_is_kept() -> None:
    shown = {"a": {"key": REDACTED, "x": 1}, "list": [{"token": REDACTED}], "text": "t"}
    exact = {"a": {"key": "secret", "x": 1}, "list": [{"token": "other"}], "text": "t"}
    given = {"a": {"key": REDACTED, "x": 2}, "list": [{"token": REDACTED}], "text": REDACTED, "new": REDACTED}
    assert with_kept(given, shown, exact) == {
        "a": {"key": "secret", "x": 2},
        "list": [{"token": "other"}],
        "text": REDACTED,
        "new": REDACTED,
    }


def test_without_the_vault_a_secret_is_not_taken_and_all_else_is(
    acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_key(*_: Any) -> Any:
        raise VaultUnavailable("The vault does not answer.")

    settle(acme, "sync_users", {"parameters": SECRET}, ADA)
    monkeypatch.setattr(parameters, "seal", no_key)
    monkeypatch.setattr(parameters, "unseal", no_key)
    with pytest.raises(PlatformUnavailable):
        settle(acme, "sync_users", {"parameters": SECRET}, ADA)
    settle(acme, "sync_users", {"enabled": False}, ADA)
    settle(acme, "hourly", {"parameters": {"days": 2}}, ADA)
    assert not row(acme, "sync_users").enabled and kept(acme, "hourly")[1] == {"days": 2}


# --- Removing --------------------------------------------------------------------------------------------------------


def test_a_removed_schedule_is_gone_with_its_parameters(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    for organization in (acme, globex):
        settle(organization, "hourly", {"parameters": {"days": 2}}, ADA)
    remove(acme, "hourly")
    assert [each.organization for each in Schedule.objects.all()] == [globex.id]
    with org_context(acme):
        assert not ScheduleParameters.objects.exists()
    with org_context(globex):
        assert ScheduleParameters.objects.exists()


@pytest.mark.parametrize("workflow", ["hourly", "nothing", "with\0nul"])
def test_what_is_not_there_cannot_be_removed(
    acme: OrganizationRecord, globex: OrganizationRecord, workflow: str
) -> None:
    settle(globex, "hourly", {}, ADA)
    with pytest.raises(UnknownSchedule):
        remove(acme, workflow)


def test_an_audiences_schedule_is_turned_off_rather_than_removed(acme: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    sync_audiences()
    with pytest.raises(ScheduleOfAudience, match="set enabled to false"):
        remove(acme, "hourly")
    settle(acme, "hourly", {"enabled": False}, ADA)
    dispatch_due(after(days=700))
    assert executions_of(acme) == []
