"""The parameters on the staff's page of a schedule: asked as fields by the one renderer that asks for all values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from bifrost.sdk.sanitizing import REDACTED
from orgs.records import OrganizationRecord
from workflows_app.dispatch.models import Schedule
from workflows_app.providers import asking
from workflows_app.schedules import get_schedule, settle
from workflows_app.schedules.starting import ACTOR

from .conftest import SOURCE, Workspace, row
from .pages import FORM, LIST, add, error_of, html, kept, page, sent, staff, text

INSPECT = '''
    from typing import Literal
    from bifrost import data_provider, param, workflow

    @data_provider(cache_ttl_seconds=0)
    async def sites(context):
        return [{"label": "Oslo office", "value": "oslo"}, {"label": "Bergen office", "value": "bergen"}]

    @data_provider(cache_ttl_seconds=0)
    async def floors(context, site):
        return [{"label": f"Ground floor of {site}", "value": f"{site}-0"}]

    @workflow(execution_mode="scheduled", schedule="0 5 * * *")
    @param("site", "string", "Where it looks.", data_provider="sites")
    @param("floor", "string", data_provider="floors")
    @param("token", "secret", label="Access token")
    @param("days", "int", "How far back.", label="Days", validation={"min": 1})
    async def inspect(context, site=None, token=None, floor=None, days=7, depth: Literal["quick", "full"] = "quick",
                      notify: bool = True, labels: dict[str, str] = {}, plan: dict | None = None):
        """Looks after a site."""
'''
VALUES: dict[str, Any] = {"site": "oslo", "token": "hunter22", "days": 3, "labels": {"floor": "third"}}
OPTIONS = f"{LIST}options/inspect/"


@pytest.fixture(autouse=True)
def inspect(transactional_db: None, workspace: Workspace) -> Iterator[None]:
    workspace.write(INSPECT)
    yield
    asking.stop()


@pytest.fixture
def client(inspect: None, msp: OrganizationRecord) -> Client:
    return staff(msp)


@pytest.fixture
def schedule(inspect: None, acme: OrganizationRecord) -> Schedule:
    settle(acme, "inspect", {"parameters": VALUES}, ACTOR)
    return row(acme, "inspect")


# --- adding one ------------------------------------------------------------------------------------------------------


def test_the_first_step_asks_for_the_workflow_alone(client: Client) -> None:
    answer = client.get(f"{LIST}add/")
    assert "inspect (0 5 * * *)" in text(answer) and 'name="workflow"' in html(answer)
    assert 'method="get"' in html(answer) and 'name="v.' not in html(answer) and 'name="cron"' not in html(answer)


def test_the_second_step_asks_what_the_workflow_takes(client: Client) -> None:
    answer = client.get(add("inspect"))
    body, seen = html(answer), text(answer)
    for part in ("Looks after a site.", "Site", "Where it looks.", "Access token", "Days", "How far back.", "Depth"):
        assert part in seen, part
    assert sent(answer)["v.days"] == ["7"] and sent(answer)["v.depth"] == ["quick"]
    assert sent(answer)["v.notify"] == ["true"] and 'name="parameters"' not in body
    assert re.search(r'type="password"[^>]*|name="v.token"', body) and "inputs/inputs.js" in body
    assert f'hx-post="{OPTIONS}site"' in body


def test_a_schedule_is_added_by_its_fields(client: Client, acme: OrganizationRecord) -> None:
    form = sent(client.get(add("inspect")), site="oslo", token="hunter22", days="3", _cron="0 4 * * *", __continue="1")
    answer = client.post(add("inspect"), form)
    assert answer.status_code == 302, text(answer)
    assert answer.headers["Location"] == page(row(acme, "inspect"))
    assert row(acme, "inspect").cron == "0 4 * * *"
    assert kept(acme, "inspect") == {"site": "oslo", "token": "hunter22", "days": 3}, "defaults stay the workflow's"


@pytest.mark.parametrize(
    ("workflow", "told"),
    [("nothing", "no workflow “nothing”"), ("<i>", "no workflow “&lt;i&gt;”"), ("", "Choose a workflow.")],
)
def test_whoever_names_no_workflow_that_runs_by_the_clock_is_told(client: Client, workflow: str, told: str) -> None:
    for answer in (client.get(add(workflow)), client.post(add(workflow), FORM)):
        assert told in text(answer) and 'name="cron"' not in html(answer)
    assert not Schedule.objects.exists()


def test_a_workflow_that_has_a_schedule_leads_to_it(
    client: Client, schedule: Schedule, acme: OrganizationRecord
) -> None:
    answer = client.get(add("inspect"), follow=True)
    assert answer.redirect_chain == [(page(schedule), 302)]
    assert "inspect has a schedule already" in html(answer)


def test_one_that_somebody_has_added_meanwhile_is_not_overwritten(
    client: Client, schedule: Schedule, acme: OrganizationRecord
) -> None:
    answer = client.post(add("inspect"), {**FORM, "v.site": "bergen", "v.token": "x"})
    assert "There is a schedule of this workflow meanwhile." in text(answer)
    assert kept(acme, "inspect") == VALUES


def test_one_may_be_added_that_is_off(client: Client, acme: OrganizationRecord) -> None:
    assert client.post(add("inspect"), sent(client.get(add("inspect")), _enabled=None)).status_code == 302
    assert not row(acme, "inspect").enabled and get_schedule(acme, "inspect")["parameters"] == {}


@pytest.mark.parametrize(("button", "leads_to"), [("_addanother", f"{LIST}add/"), ("_save", LIST)])
def test_the_chosen_workflow_is_not_carried_on(client: Client, button: str, leads_to: str) -> None:
    answer = client.post(add("inspect"), {**sent(client.get(add("inspect"))), button: "1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, leads_to)


# --- changing one ----------------------------------------------------------------------------------------------------


def test_the_fields_show_what_is_kept_but_no_secret(client: Client, schedule: Schedule) -> None:
    answer = client.get(page(schedule))
    found = sent(answer)
    assert (found["v.site"], found["v.days"], found["v.labels.0.value"]) == (["oslo"], ["3"], ["third"])
    assert "hunter22" not in html(answer) and REDACTED not in html(answer) and found["v.token"] == [""]
    assert "Left empty, it stays as it is." in text(answer)


def test_what_nobody_touches_stays_and_so_does_a_secret(
    client: Client, schedule: Schedule, acme: OrganizationRecord
) -> None:
    assert client.post(page(schedule), sent(client.get(page(schedule)))).status_code == 302
    assert kept(acme, "inspect") == VALUES
    form = sent(client.get(page(schedule)), days="4", depth="full", notify=None)
    assert client.post(page(schedule), form).status_code == 302
    assert kept(acme, "inspect") == {**VALUES, "days": 4, "depth": "full", "notify": False}


def test_a_secret_is_replaced_by_what_is_typed(client: Client, schedule: Schedule, acme: OrganizationRecord) -> None:
    assert client.post(page(schedule), sent(client.get(page(schedule)), token="other222")).status_code == 302
    assert kept(acme, "inspect") == {**VALUES, "token": "other222"}
    assert get_schedule(acme, "inspect")["parameters"]["token"] == REDACTED


def test_a_secret_by_its_name_alone_is_kept_too(client: Client, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.write(SOURCE)
    values = {"source": "ad", "api_key": "hunter22"}
    settle(acme, "sync_users", {"parameters": values}, ACTOR)
    schedule = row(acme, "sync_users")
    answer = client.get(page(schedule))
    assert "hunter22" not in html(answer) and REDACTED not in html(answer)
    assert client.post(page(schedule), sent(answer, source="hr")).status_code == 302
    assert kept(acme, "sync_users") == {**values, "source": "hr"}


def test_what_is_emptied_is_as_the_workflow_says_again(
    client: Client, schedule: Schedule, acme: OrganizationRecord
) -> None:
    form = sent(client.get(page(schedule)), days="", **{"labels.0.key": "", "labels.0.value": ""})
    assert client.post(page(schedule), form).status_code == 302
    assert "days" not in kept(acme, "inspect") and not kept(acme, "inspect").get("labels")
    assert sent(client.get(page(schedule)))["v.days"] == ["7"]


def test_a_button_adds_a_row_and_takes_one_away_and_saves_nothing(
    client: Client, schedule: Schedule, acme: OrganizationRecord
) -> None:
    form = sent(client.get(page(schedule)), days="many", _cron="soon")
    form |= {"v.labels.1.key": ["room"], "v.labels.1.value": ["12"]}
    added = client.post(page(schedule), {**form, "-add": "v.labels"})
    found = sent(added)
    assert (found["cron"], found["v.days"], len(found["v.labels"])) == (["soon"], ["many"], 3)
    assert "problem" not in text(added) and "Please correct" not in text(added)
    removed = client.post(page(schedule), {**form, "-remove": "v.labels.0"})
    assert "third" not in str(sent(removed)) and kept(acme, "inspect") == VALUES


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    client: Client, schedule: Schedule, acme: OrganizationRecord
) -> None:
    form = sent(client.get(page(schedule)), days="many", site="bergen", token="typed222", depth="full", _cron="soon")
    answer = client.post(page(schedule), form)
    assert "whole number" in error_of(answer, "days") and 'href="#i-v-days"' in html(answer)
    assert "is not a cron expression" in text(answer) and "There is a problem" in text(answer)
    found = sent(answer)
    assert [found[f"v.{name}"] for name in ("days", "site", "depth")] == [["many"], ["bergen"], ["full"]]
    assert found["cron"] == ["soon"] and "typed222" not in html(answer)
    assert "Type it again" in text(answer) and kept(acme, "inspect") == VALUES


def test_what_is_wrong_elsewhere_loses_no_parameter(client: Client, schedule: Schedule) -> None:
    answer = client.post(page(schedule), sent(client.get(page(schedule)), days="4", _paused_until_0="never"))
    assert sent(answer)["v.days"] == ["4"] and sent(answer)["v.site"] == ["oslo"]
    assert "There is a problem" not in text(answer) and "Please correct the error" in text(answer)


def test_everything_that_is_wrong_is_told_at_once(client: Client) -> None:
    form = sent(client.get(add("inspect")), days="0", depth="deep", _timezone="Mars/Olympus")
    answer = client.post(add("inspect"), {**form, "v.labels.0.value": ["third"]})
    assert error_of(answer, "days") and error_of(answer, "depth") == "Is not among the options"
    assert error_of(answer, "labels") == "Has a value without a name"
    assert "There are 3 problems" in text(answer) and "There is no such time zone" in text(answer)


def test_what_fits_no_more_may_stay_while_it_is_off_and_is_told_when_it_is_turned_on(
    client: Client, schedule: Schedule, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.write(INSPECT.replace('{"min": 1}', '{"min": 5}'))
    assert client.post(page(schedule), sent(client.get(page(schedule)), _enabled=None)).status_code == 302
    assert not row(acme, "inspect").enabled and kept(acme, "inspect") == VALUES
    answer = client.post(page(schedule), sent(client.get(page(schedule)), _enabled="on"))
    assert error_of(answer, "days") and not row(acme, "inspect").enabled
    assert client.post(page(schedule), sent(answer, days="6")).status_code == 302
    assert row(acme, "inspect").enabled and kept(acme, "inspect")["days"] == 6


def test_a_parameter_called_like_a_field_of_the_schedule_is_told_at_its_own(
    client: Client, workspace: Workspace
) -> None:
    workspace.write(SOURCE.replace("days: int = 1", "cron: int = 1"))
    answer = client.post(add("hourly"), sent(client.get(add("hourly")), cron="soon"))
    assert "whole number" in error_of(answer, "cron") and "is not a cron expression" not in text(answer)


def test_what_no_data_provider_offers_is_refused(client: Client, schedule: Schedule, acme: OrganizationRecord) -> None:
    answer = client.post(page(schedule), sent(client.get(page(schedule)), site="rome"))
    assert error_of(answer, "site") == "Is not among the options" and kept(acme, "inspect") == VALUES
    form = sent(client.get(page(schedule)), site="bergen", floor="oslo-0")
    assert error_of(client.post(page(schedule), form), "floor") == "Is not among the options"
    assert client.post(page(schedule), {**form, "v.floor": "bergen-0"}).status_code == 302
    assert (kept(acme, "inspect")["site"], kept(acme, "inspect")["floor"]) == ("bergen", "bergen-0")


def test_what_was_chosen_once_may_stay_though_it_is_offered_no_more(client: Client, acme: OrganizationRecord) -> None:
    settle(acme, "inspect", {"parameters": {**VALUES, "site": "rome"}}, ACTOR)
    schedule = row(acme, "inspect")
    assert client.post(page(schedule), sent(client.get(page(schedule)), days="4")).status_code == 302
    assert kept(acme, "inspect") == {**VALUES, "site": "rome", "days": 4}


# --- options ---------------------------------------------------------------------------------------------------------


def test_options_are_those_for_what_is_filled_in(
    client: Client, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    settle(acme, "inspect", {"parameters": {**VALUES, "site": "rome"}}, ACTOR)
    piece = client.post(f"{OPTIONS}site", {"v.site": "rome"})
    assert piece.headers["X-Options"] == "true"
    assert '<option value="rome" selected>rome</option>' in html(piece) and "Bergen office" in html(piece)
    assert "Ground floor of bergen" in html(client.post(f"{OPTIONS}floor", {"v.site": "bergen"}))
    other = client.post(f"{OPTIONS.replace('acme', 'globex')}site", {"v.site": "rome"})
    assert "Bergen office" in html(other) and "rome" not in html(other), "what acme chose is acme's"
    assert staff(msp, "auditor").post(f"{OPTIONS}site", {}).status_code == 403


@pytest.mark.parametrize("place", ["days", "nothing", "labels.0.key"])
def test_what_has_no_options_has_no_address(client: Client, place: str) -> None:
    assert client.post(OPTIONS + place).status_code == 404
    assert client.post(OPTIONS.replace("inspect", "nothing") + "site").status_code == 404
    assert client.get(f"{OPTIONS}site").status_code == 405


# --- what no field can hold ------------------------------------------------------------------------------------------


def test_what_the_workflow_does_not_take_any_more_is_told_and_left_out(
    client: Client, schedule: Schedule, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.write(
        INSPECT.replace('@param("days", "int", "How far back.", label="Days", validation={"min": 1})', "")
        .replace("days=7, ", "")
        .replace("token", "pass_phrase")
    )
    answer = client.get(page(schedule))
    seen = text(answer)
    assert "does not take it any more" in seen and "days 3" in seen and "token (not shown)" in seen
    off = sent(answer, _enabled=None)
    assert client.post(page(schedule), off).status_code == 302 and kept(acme, "inspect") == VALUES
    on = sent(client.get(page(schedule)), pass_phrase="open222", _enabled="on")
    assert client.post(page(schedule), on).status_code == 302
    assert kept(acme, "inspect") == {"site": "oslo", "pass_phrase": "open222", "labels": {"floor": "third"}}


def test_without_the_workflow_what_is_kept_is_shown_and_nothing_asked(
    client: Client, schedule: Schedule, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.write(SOURCE)
    answer = client.get(page(schedule))
    assert "is not in the workspace" in text(answer) and "site oslo" in text(answer)
    assert 'name="v.' not in html(answer) and "hunter22" not in html(answer)
    assert "inspect" in text(client.post(page(schedule), sent(answer))) and kept(acme, "inspect") == VALUES


def test_a_file_is_not_asked_for(client: Client, workspace: Workspace, acme: OrganizationRecord) -> None:
    source = SOURCE.replace("async def hourly", "@param('plan', 'file', label='Floor plan')\n    async def hourly")
    workspace.write(source.replace("days: int = 1", "days: int = 1, plan=None"))
    answer = client.get(add("hourly"))
    assert "A schedule cannot give files" in text(answer) and "Floor plan" in text(answer)
    assert 'type="file"' not in html(answer)
    assert client.post(add("hourly"), sent(answer, days="2")).status_code == 302
    assert kept(acme, "hourly") == {"days": 2}


# --- looking ---------------------------------------------------------------------------------------------------------


def test_whoever_only_looks_reads_the_parameters(schedule: Schedule, msp: OrganizationRecord) -> None:
    answer = staff(msp, "auditor").get(page(schedule))
    seen = text(answer)
    for part in ("Site Where it looks. oslo", "Kept, and not shown.", "Days How far back. 3", "floor: third", "quick"):
        assert part in seen, part
    assert 'name="v.' not in html(answer) and 'name="_save"' not in html(answer) and "hunter22" not in html(answer)
