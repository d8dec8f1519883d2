"""The staff's pages about limits, on both sites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from tests.workflows_app.test_admin import staff, text
from workflows_app import catalog
from workflows_app.dispatch import settled
from workflows_app.dispatch.models import Dispatch, Lane, WorkflowSetting

pytestmark = pytest.mark.django_db(transaction=True)

OF_ACME = "/o/acme/admin/dispatch/workflowsetting/"
OF_ALL = "/admin/dispatch/workflowsetting/"
SOURCE = """
from bifrost import workflow

@workflow(name="report")
async def report(context):
    return 1
"""


@pytest.fixture(autouse=True)
def workflows(tmp_path: Path, settings: Any) -> None:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "workflows").mkdir(parents=True)
    (settings.WORKSPACE / "workflows" / "reports.py").write_text(SOURCE)
    catalog.refresh()


@pytest.fixture
def technician(acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord) -> Client:
    return staff(msp)


@pytest.fixture
def owner(acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord) -> Client:
    return staff(msp, "owner")


def make_setting(organization: OrganizationRecord, workflow: str = "report", **values: Any) -> WorkflowSetting:
    given = {"max_concurrent": 3, **values}
    return WorkflowSetting.objects.create(organization=organization.id, workflow=workflow, **given)


def save(client: Client, address: str, **values: Any) -> HttpResponse:
    """What the form sends; `enabled` is a check box."""
    given = {"workflow": "report", "enabled": "on", "max_concurrent": "", "starts_per_minute": "", **values}
    return client.post(address, {name: value for name, value in given.items() if value is not None})


def settings_now() -> list[tuple[Any, ...]]:
    rows = WorkflowSetting.objects.order_by("workflow")
    return list(rows.values_list("organization", "workflow", "enabled", "max_concurrent", "starts_per_minute"))


# --- an organization's page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", ["report", ""])
def test_a_limit_is_settled_for_a_workflow_or_the_whole_organization(
    technician: Client, acme: OrganizationRecord, workflow: str
) -> None:
    answer = save(technician, f"{OF_ACME}add/", workflow=workflow, max_concurrent="2", starts_per_minute="60")
    assert answer.status_code == 302, text(answer)
    assert settings_now() == [(acme.id, workflow, True, 2, 60)]
    assert settled.settings_for(acme.id, "report").rates == ((workflow, 60),)


def test_a_workflow_is_disabled(technician: Client, acme: OrganizationRecord) -> None:
    save(technician, f"{OF_ACME}add/", enabled=None)
    assert not settled.settings_for(acme.id, "report").enabled


def test_saving_moves_what_is_queued_into_its_lane_and_deleting_back(
    technician: Client, acme: OrganizationRecord
) -> None:
    row = Dispatch.objects.create(execution=uuid7(), organization=acme.id, workflow="report", status="Queued")
    save(technician, f"{OF_ACME}add/", max_concurrent="2")
    assert Dispatch.objects.get().lane == Lane.LIMITED

    setting = WorkflowSetting.objects.get()
    assert technician.post(f"{OF_ACME}{setting.id}/delete/", {"post": "yes"}).status_code == 302
    row.refresh_from_db(fields=["lane"])
    assert row.lane == Lane.OPEN and not settled.any_limits()


def test_a_limit_is_changed_and_its_workflow_is_not(technician: Client, acme: OrganizationRecord) -> None:
    setting = make_setting(acme)
    answer = save(technician, f"{OF_ACME}{setting.id}/change/", workflow="", starts_per_minute="5")
    assert answer.status_code == 302, text(answer)
    assert settings_now() == [(acme.id, "report", True, None, 5)]


@pytest.mark.parametrize("field", ["max_concurrent", "starts_per_minute"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "1000000", "9" * 30])
def test_a_limit_is_a_positive_number_within_bounds(technician: Client, field: str, value: str) -> None:
    answer = save(technician, f"{OF_ACME}add/", **{field: value})
    assert answer.status_code == 200 and re.search("Ensure this value is|Enter a whole number", text(answer))
    assert settings_now() == []


def test_a_workflow_that_does_not_exist_is_refused(technician: Client) -> None:
    assert "nothing is not one of the available choices" in text(save(technician, f"{OF_ACME}add/", workflow="nothing"))
    assert settings_now() == []


def test_a_second_setting_for_the_same_is_refused(technician: Client, acme: OrganizationRecord) -> None:
    make_setting(acme)
    assert "There is a setting for this already" in text(save(technician, f"{OF_ACME}add/", max_concurrent="9"))
    assert settings_now() == [(acme.id, "report", True, 3, None)]


def test_the_list_tells_what_holds(technician: Client, acme: OrganizationRecord) -> None:
    make_setting(acme, "", max_concurrent=None, starts_per_minute=60)
    make_setting(acme, "old", enabled=False)
    seen = text(technician.get(OF_ACME))
    assert "All workflows together check_small no limit 60 old close_small 3 no limit" in seen


def test_a_page_shows_and_changes_its_own_organization_s_alone(
    technician: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    foreign = make_setting(globex)
    assert "report" not in text(technician.get(OF_ACME)).partition("Limits")[0]
    before = settings_now()
    for id_ in (foreign.id, uuid4()):
        address = f"{OF_ACME}{id_}"
        assert technician.get(f"{address}/change/").status_code == 302
        assert save(technician, f"{address}/change/", max_concurrent="9").status_code == 302
        assert technician.post(f"{address}/delete/", {"post": "yes"}).status_code == 302
    assert settings_now() == before
    # The same workflow may have a limit in each of them.
    assert save(technician, f"{OF_ACME}add/", max_concurrent="1", organization=str(globex.id)).status_code == 302
    assert {row[0] for row in settings_now()} == {acme.id, globex.id}


def test_nothing_of_it_is_written_into_the_shared_log(technician: Client) -> None:
    save(technician, f"{OF_ACME}add/", max_concurrent="1")
    assert not LogEntry.objects.exists()


def test_those_who_only_look_change_nothing(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    setting, auditor = make_setting(acme), staff(msp, "auditor")
    assert auditor.get(OF_ACME).status_code == auditor.get(f"{OF_ACME}{setting.id}/change/").status_code == 200
    assert auditor.get(f"{OF_ACME}add/").status_code == 403
    assert save(auditor, f"{OF_ACME}{setting.id}/change/", max_concurrent="9").status_code == 403
    assert auditor.post(f"{OF_ACME}{setting.id}/delete/", {"post": "yes"}).status_code == 403
    assert settings_now() == [(acme.id, "report", True, 3, None)]


# --- the staff's site ------------------------------------------------------------------------------------------


def test_staff_settle_a_limit_for_an_organization(owner: Client, globex: OrganizationRecord) -> None:
    answer = save(owner, f"{OF_ALL}add/", organization=str(globex.id), max_concurrent="2")
    assert answer.status_code == 302, text(answer)
    assert settings_now() == [(globex.id, "report", True, 2, None)]
    assert settled.settings_for(globex.id, "report").limited

    setting = WorkflowSetting.objects.get()
    save(owner, f"{OF_ALL}{setting.id}/change/", max_concurrent="7")
    assert settings_now() == [(globex.id, "report", True, 7, None)]
    owner.post(f"{OF_ALL}{setting.id}/delete/", {"post": "yes"})
    assert settings_now() == [] and not settled.any_limits()


@pytest.mark.parametrize("organization", ["", "nonsense", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
def test_the_organization_is_one_that_there_is(owner: Client, organization: str) -> None:
    assert save(owner, f"{OF_ALL}add/", organization=organization, max_concurrent="2").status_code == 200
    assert settings_now() == []


def test_a_second_setting_is_refused_here_too(owner: Client, acme: OrganizationRecord) -> None:
    make_setting(acme)
    answer = save(owner, f"{OF_ALL}add/", organization=str(acme.id), max_concurrent="2")
    assert "There is a setting for this already" in text(answer)


def test_a_scope_ends_at_settings_of_other_organizations(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    admin = staff(msp, "admin", globex)
    foreign = make_setting(acme, "report")
    make_setting(globex, "of_globex")
    seen = text(admin.get(OF_ALL))
    assert "of_globex" in seen and "Acme" not in seen
    assert admin.get(f"{OF_ALL}{foreign.id}/change/").status_code == 302
    before = settings_now()
    assert save(admin, f"{OF_ALL}add/", organization=str(acme.id), workflow="", max_concurrent="1").status_code == 200
    save(admin, f"{OF_ALL}{foreign.id}/change/", max_concurrent="9")
    assert settings_now() == before


def test_those_who_do_not_manage_organizations_only_look(technician: Client, acme: OrganizationRecord) -> None:
    setting = make_setting(acme)
    assert technician.get(OF_ALL).status_code == technician.get(f"{OF_ALL}{setting.id}/change/").status_code == 200
    assert technician.get(f"{OF_ALL}add/").status_code == 403
    assert save(technician, f"{OF_ALL}{setting.id}/change/", max_concurrent="9").status_code == 403
    assert technician.post(f"{OF_ALL}{setting.id}/delete/", {"post": "yes"}).status_code == 403
    assert settings_now() == [(acme.id, "report", True, 3, None)]


def test_the_list_is_narrowed(owner: Client, acme: OrganizationRecord) -> None:
    make_setting(acme, "report")
    make_setting(acme, "disabled_one", enabled=False)
    assert "disabled_one" not in text(owner.get(f"{OF_ALL}?enabled__exact=1"))
    assert "report" not in text(owner.get(f"{OF_ALL}?q=disabled"))
