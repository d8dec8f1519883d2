"""/api/schedules: what its callers read, set and are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_SCHEDULES, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from tests.factories import make_token
from workflows_app.dispatch.models import Schedule
from workflows_app.schedules import dispatch_due

from .conftest import NINE, MakeSchedule, Workspace, after, executions_of, row

LIST = "/api/schedules"
ONE = "/api/schedules/hourly"


class Api:
    """A client with a token."""

    def __init__(self, organization: OrganizationRecord, *permissions: str) -> None:
        self.headers = {"Authorization": f"Bearer {make_token(organization, permissions or None)}"}

    def get(self, path: str) -> HttpResponse:
        return Client().get(path, headers=self.headers)

    def put(self, path: str, body: Any) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().put(path, data, content_type="application/json", headers=self.headers)

    def delete(self, path: str) -> HttpResponse:
        return Client().delete(path, headers=self.headers)


def refusal(response: HttpResponse) -> tuple[int, str, str]:
    body = response.json()
    assert set(body) == {"executionId", "status", "error", "message", "details"}, body
    return response.status_code, body["error"], body["message"]


@pytest.fixture
def api(transactional_db: None, workspace: Workspace, acme: OrganizationRecord) -> Api:
    """Acme's, with all permissions of an admin."""
    return Api(acme)


def test_a_schedule_is_set_and_read(api: Api, acme: OrganizationRecord) -> None:
    wish = {
        "cron": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "overlap": "queue",
        "missed": "skip",
        "pausedUntil": "2030-03-30T12:00:00Z",
        "parameters": {"days": 7},
    }
    answer = api.put(ONE, wish)
    assert answer.status_code == 200, answer.content
    read = api.get(ONE).json()
    assert answer.json() == read
    assert {name: read[name] for name in wish} == {**wish, "pausedUntil": "2030-03-30T12:00:00.000Z"}
    assert (read["workflow"], read["enabled"], read["byAudience"]) == ("hourly", True, False)
    assert read["overrides"] == {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    assert (read["lastRun"], read["problem"], read["history"]) == (None, None, [])
    # The preview begins behind the pause, and knows the change of the clock on 31 March 2030.
    assert [time["local"] for time in read["preview"][:2]] == ["2030-03-31T03:00:00+02:00", "2030-04-01T02:30:00+02:00"]
    assert read["nextRun"] == read["preview"][0]["at"] == "2030-03-31T01:00:00.000Z"
    assert len(read["preview"]) == 10


def test_what_the_workflow_and_the_organization_say_holds_without_an_override(api: Api) -> None:
    read = api.put(ONE, {"cron": None, "timezone": None}).json()
    assert (read["cron"], read["timezone"]) == ("0 * * * *", "UTC")
    assert read["overrides"] == {"cron": None, "timezone": None}
    assert (read["overlap"], read["missed"], read["pausedUntil"]) == ("skip", "run_once", None)


def test_the_list_has_the_organizations_own(
    api: Api, make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    for organization, workflow in ((acme, "nightly"), (acme, "hourly"), (globex, "guarded")):
        make_schedule(organization, workflow)
    read = api.get(LIST).json()
    assert read["next"] is None
    assert [found["workflow"] for found in read["results"]] == ["hourly", "nightly"]
    assert read["results"][0]["nextRun"] == "2026-03-02T09:00:00.000Z"
    assert "preview" not in read["results"][0] and "parameters" not in read["results"][0]


def test_the_history_tells_what_became_of_each_time(
    api: Api, make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme)
    for hour in range(60):
        dispatch_due(after(hours=hour))
    read = api.get(ONE).json()
    assert len(read["history"]) == 50
    assert read["history"][0] | {"recordedAt": ""} == {
        "plannedAt": "2026-03-04T20:00:00.000Z",
        "outcome": "skipped",
        "reason": "The run of 2026-03-02 09:00 has not ended.",
        "executionId": None,
        "recordedAt": "",
    }
    assert read["lastRun"] == "2026-03-04T20:00:00.000Z"


def test_a_start_is_told_with_its_execution(api: Api, make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    dispatch_due(NINE)
    [told] = api.get(ONE).json()["history"]
    [execution] = executions_of(acme)
    assert (told["outcome"], told["executionId"]) == ("started", str(execution.id))
    record = api.get(f"/api/executions/{execution.id}").json()
    assert (record["trigger"]["type"], record["trigger"]["scheduleId"]) == ("schedule", str(row(acme).id))


def test_one_that_is_off_runs_at_no_time(api: Api) -> None:
    read = api.put(ONE, {"enabled": False}).json()
    assert (read["enabled"], read["nextRun"], read["preview"]) == (False, None, [])


def test_it_is_removed(api: Api, acme: OrganizationRecord) -> None:
    api.put(ONE, {})
    answer = api.delete(ONE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Schedule.objects.exists()
    assert refusal(api.delete(ONE))[:2] == (404, "NotFound")


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ONE, "/api/schedules/nothing", "/api/schedules/with%00nul"])
def test_another_organizations_schedule_is_as_one_that_does_not_exist(
    api: Api, make_schedule: MakeSchedule, globex: OrganizationRecord, path: str
) -> None:
    make_schedule(globex)
    before = Schedule.objects.values().get()
    no_schedule = (404, "NotFound", "This organization has no schedule of that workflow.")
    assert refusal(api.get(path)) == refusal(api.delete(path)) == no_schedule
    assert Schedule.objects.values().get() == before


def test_setting_a_schedule_changes_no_other_organizations(
    api: Api, make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(globex)
    before = Schedule.objects.values().get()
    api.put(ONE, {"cron": "0 4 * * *"})
    assert Schedule.objects.filter(organization=globex.id).values().get() == before
    assert row(acme).cron == "0 4 * * *"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"cron": "now"}, "cron", "cron: schedule 'now' is not a cron expression of five fields"),
        ({"cron": 5}, "cron", "cron: It has to be a text, or null."),
        ({"timezone": "Mars"}, "timezone", "timezone: There is no such time zone as 'Mars'."),
        ({"enabled": "yes"}, "enabled", "enabled: It has to be true or false."),
        ({"overlap": "kill"}, "overlap", "overlap: It has to be one of skip, queue, parallel."),
        ({"missed": None}, "missed", "missed: It has to be a text."),
        ({"parameters": []}, "parameters", "parameters: It has to be an object."),
        ({"next_run": None}, "next_run", "next_run: This is unknown. Known here: "),
        ({"pausedUntil": "tomorrow"}, "pausedUntil", "pausedUntil: It has to be a time with its zone"),
        ({"pausedUntil": "2026-01-31T09:00:00"}, "pausedUntil", "pausedUntil: It has to be a time with its zone"),
        ({"pausedUntil": "2026-02-31T09:00:00Z"}, "pausedUntil", "pausedUntil: It has to be a time with its zone"),
        (b"[]", "body", "The body has to be a JSON object."),
    ],
)
def test_wrong_input_is_named(api: Api, body: Any, field: str, message: str) -> None:
    answer = api.put(ONE, body)
    assert refusal(answer)[:2] == (400, "ValidationError")
    assert answer.json()["message"].startswith(message)
    assert answer.json()["details"]["field"] == answer.json()["details"]["errors"][0]["field"] == field
    assert not Schedule.objects.exists()


def test_parameters_are_held_against_the_workflows_declaration(api: Api) -> None:
    answer = api.put(ONE, {"parameters": {"days": "x", "weeks": 1}})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["details"]["errors"]] == ["parameters.days", "parameters.weeks"]


def test_only_workflows_that_run_by_the_clock_have_one(api: Api) -> None:
    assert refusal(api.put("/api/schedules/nothing", {}))[:2] == (404, "NotFound")
    status, error, message = refusal(api.put("/api/schedules/on_demand", {}))
    assert (status, error) == (400, "ValidationError") and "does not run on a schedule" in message


def test_reading_and_setting_are_permissions_of_their_own(
    api: Api, make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme)
    reader = Api(acme, VIEW_EXECUTIONS)
    assert reader.get(LIST).status_code == reader.get(ONE).status_code == 200
    assert refusal(reader.put(ONE, {})) == (403, "PermissionError", f"This needs the permission {MANAGE_SCHEDULES}.")
    assert refusal(reader.delete(ONE))[0] == 403
    writer = Api(acme, MANAGE_SCHEDULES, EXECUTE_WORKFLOWS)
    assert refusal(writer.get(LIST))[0] == refusal(writer.get(ONE))[0] == 403
    assert writer.put(ONE, {"enabled": False}).status_code == 200
    assert refusal(Api(acme, MANAGE_SCHEDULES).put(ONE, {}))[0] == 403


def test_the_msp_has_to_say_which_organization(api: Api, msp: OrganizationRecord) -> None:
    staff = Api(msp)
    assert refusal(staff.get(LIST))[:2] == (400, "ValidationError")
    assert Client().get(LIST).status_code == 401


def test_unknown_query_arguments_are_refused(api: Api) -> None:
    assert refusal(api.get(f"{LIST}?enabled=true"))[:2] == (400, "ValidationError")
