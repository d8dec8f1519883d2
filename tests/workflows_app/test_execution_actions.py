"""What the staff's pages do with executions: cancel them, run them again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_user
from tests.workflows_app.rest.rows import make_execution
from tests.workflows_app.test_admin import LIST, staff, text
from workflows_app import catalog, execution_actions, permissions
from workflows_app.dispatch.models import CodeVersion, Dispatch
from workflows_app.executions import Start, submit
from workflows_app.models import Execution, ExecutionEvent, Inbox

pytestmark = pytest.mark.django_db(transaction=True)

ADA = Actor("user", "ada", "ada@example.com", "Ada", frozenset({"*"}))
SOURCES = """
from bifrost import workflow

@workflow(name="later", execution_mode="async")
async def later(context, number: int = 1):
    return number

@workflow(name="approved", requires_approval=True)
async def approved(context):
    return 1
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Any) -> Path:
    """The one file of the workspace."""
    settings.WORKSPACE = tmp_path / "workspace"
    path: Path = settings.WORKSPACE / "workflows" / "later.py"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCES)
    catalog.refresh()
    return path


@pytest.fixture
def technician(msp: OrganizationRecord) -> Client:
    return staff(msp)


def queued(organization: OrganizationRecord, workflow: str = "later", **parameters: Any) -> UUID:
    return UUID(submit(Start(organization, workflow, parameters, ADA)).execution_id)


def ended(organization: OrganizationRecord, **values: Any) -> UUID:
    return make_execution(organization, **{"workflow": "later", "status": "Failed", "input": {"number": 7}, **values})


def begun(organization: OrganizationRecord, status: str = "Running") -> UUID:
    """One that a worker has begun, as rows: nobody works on it here."""
    made = queued(organization)
    with org_context(organization):
        Execution.objects.filter(id=made).update(status=status, started_at="2026-03-01T09:00:00Z")
    Dispatch.objects.filter(execution=made).update(status=status)
    return made


def record(organization: OrganizationRecord, execution: UUID | str) -> Execution:
    with org_context(organization):
        return Execution.objects.get(id=execution)


def others(organization: OrganizationRecord, *known: UUID) -> list[Execution]:
    with org_context(organization):
        return list(Execution.objects.exclude(id__in=known).order_by("id"))


def page(client: Client, execution: UUID) -> HttpResponse:
    return client.get(f"{LIST}{execution}/change/")


def act(client: Client, execution: UUID, what: str, **values: str) -> HttpResponse:
    return client.post(f"{LIST}{execution}/{what}/", values, follow=True)


# --- what a page offers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("PendingApproval", "cancel"),
        ("Queued", "cancel"),
        ("Running", "cancel"),
        ("Suspended", "cancel"),
        ("Success", "again"),
        ("CompletedWithErrors", "again"),
        ("Failed", "again"),
        ("Compensated", "again"),
        ("Cancelled", "again"),
        ("Rejected", "again"),
    ],
)
def test_what_has_not_ended_is_cancelled_and_what_has_ended_runs_again(
    technician: Client, acme: OrganizationRecord, status: str, offered: str
) -> None:
    made = ended(acme, status=status)
    shown = page(technician, made).content.decode()
    assert {what for what in ("cancel", "again") if f"/{made}/{what}/" in shown} == {offered}


@pytest.mark.parametrize("status", ["Running", "Failed"])
def test_those_who_only_look_are_offered_nothing(
    acme: OrganizationRecord, msp: OrganizationRecord, status: str
) -> None:
    made = ended(acme, status=status)
    shown = page(staff(msp, "auditor"), made).content.decode()
    assert f"/{made}/cancel/" not in shown and f"/{made}/again/" not in shown


def test_who_does_not_manage_executions_may_still_end_an_own_one() -> None:
    own = {"kind": "user", "id": "ada"}
    runner = Actor("user", "ada", "", "Ada", frozenset({"canExecuteWorkflows"}))
    viewer = Actor("user", "ada", "", "Ada", frozenset({"canViewExecutions"}))
    assert permissions.may_cancel(runner, own) and not permissions.may_cancel(runner, {**own, "id": "bo"})
    assert not permissions.may_cancel(runner, {**own, "kind": "token"})
    assert not permissions.may_cancel(viewer, own)


def test_a_record_leads_to_what_it_retries_and_says_what_it_waits_for(
    technician: Client, acme: OrganizationRecord
) -> None:
    old = ended(acme)
    made = queued(acme)
    with org_context(acme):
        Execution.objects.filter(id=made).update(retry_of=old)
    shown = page(technician, made)
    assert f"Retry of {old}" in text(shown) and f"{LIST}{old}/change/" in shown.content.decode()
    assert "Waits for: a worker process: none is running" in text(shown)


def test_what_waits_for_an_approval_leads_to_it(technician: Client, acme: OrganizationRecord) -> None:
    shown = page(technician, queued(acme, "approved"))
    assert "Waits for: an approval, until" in text(shown)
    assert "/o/acme/admin/workflows_app/approval/?state__exact=pending" in shown.content.decode()


# --- cancel ------------------------------------------------------------------------------------------------------


def test_asking_changes_nothing(technician: Client, acme: OrganizationRecord) -> None:
    made, done = queued(acme), ended(acme)
    asked = text(technician.get(f"{LIST}{made}/cancel/"))
    assert "later Queued" in asked and "Cancel the execution" in asked
    assert "Which code?" in text(technician.get(f"{LIST}{done}/again/"))
    assert record(acme, made).status == "Queued" and others(acme, made, done) == []


def test_what_has_not_begun_is_cancelled_at_once(technician: Client, acme: OrganizationRecord) -> None:
    made = queued(acme)
    answer = act(technician, made, "cancel")
    assert answer.redirect_chain == [(f"{LIST}{made}/change/", 302)]
    assert "Cancelled." in answer.content.decode()
    assert record(acme, made).status == "Cancelled"


def test_what_runs_is_asked_to_end(technician: Client, acme: OrganizationRecord) -> None:
    made = begun(acme)
    answer = act(technician, made, "cancel")
    assert "Asked to end" in answer.content.decode()
    with org_context(acme):
        assert Inbox.objects.get(execution_id=made).kind == "cancel"
    assert record(acme, made).status == "Running"


def test_what_has_ended_meanwhile_stays_and_says_so(technician: Client, acme: OrganizationRecord) -> None:
    made = ended(acme, status="Success")
    answer = act(technician, made, "cancel")
    assert "The execution has ended already, as Success." in answer.content.decode()
    assert record(acme, made).status == "Success"


# --- again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["current", "same"])
def test_an_execution_runs_again_by_the_code_that_is_chosen(
    technician: Client,
    acme: OrganizationRecord,
    file: Path,
    code: str,
) -> None:
    first = queued(acme, number=7)
    ran = record(acme, first).code_version
    with org_context(acme):
        Execution.objects.filter(id=first).update(status="Failed")
    file.write_text(SOURCES.replace("return number", "return number + 1"))
    catalog.refresh()

    answer = act(technician, first, "again", code=code)

    [new] = others(acme, first)
    assert answer.redirect_chain == [(f"{LIST}{new.id}/change/", 302)]
    assert "Started again. This is the new execution." in answer.content.decode()
    assert (new.input, new.retry_of, new.status) == ({"number": 7}, first, "Queued")
    assert (new.code_version == ran) == (code == "same")
    assert record(acme, first).status == "Failed"


@pytest.mark.parametrize("fresh", [True, False])
def test_what_was_done_well_is_taken_over_unless_everything_is_to_be_done_anew(
    technician: Client, acme: OrganizationRecord, fresh: bool
) -> None:
    first = queued(acme, number=7)
    done = {"state": "done", "place": 0, "digest": "d", "value": 1}
    with org_context(acme):
        Execution.objects.filter(id=first).update(status="Failed")
        at = {"at": timezone.now(), "kind": "step", "name": "one", "path": "0", "number": 0}
        ExecutionEvent.objects.create(execution_id=first, seq=2, data=done, **at)

    act(technician, first, "again", code="current", **({"fresh": "on"} if fresh else {}))

    [new] = others(acme, first)
    with org_context(acme):
        assert ExecutionEvent.objects.filter(execution=new.id, kind="step").exists() is not fresh


def test_the_choice_names_both_versions(technician: Client, acme: OrganizationRecord) -> None:
    current = catalog.find("later").code_version
    asked = text(technician.get(f"{LIST}{ended(acme, code_version='0ldc0de1' * 8)}/again/"))
    assert f"The current code, version {current[:8]}" in asked and "The code that it ran, version 0ldc0de1" in asked
    same = text(technician.get(f"{LIST}{ended(acme, code_version=current)}/again/"))
    assert "The code that it ran, which is the same" in same
    gone = text(technician.get(f"{LIST}{ended(acme, workflow='gone')}/again/"))
    assert "The workspace has no such workflow now" in gone


@pytest.mark.parametrize(
    ("values", "code", "sentence"),
    [
        ({"code_version": "f" * 64}, "same", "The code of version ffffffffffff was not kept."),
        ({"workflow": "gone"}, "current", "There is no workflow"),
        ({"input": {"number": "many"}}, "current", "number"),
        ({"status": "Running"}, "current", "The execution has not ended: it is Running."),
    ],
)
def test_why_it_does_not_run_again_is_told(
    technician: Client, acme: OrganizationRecord, values: dict[str, Any], code: str, sentence: str
) -> None:
    with shared_context():
        assert not CodeVersion.objects.filter(hash="f" * 64).exists()
    made = ended(acme, **values)
    answer = act(technician, made, "again", code=code)
    assert answer.redirect_chain == [(f"{LIST}{made}/change/", 302)]
    assert sentence in answer.content.decode()
    assert others(acme, made) == []


@pytest.mark.parametrize("code", ["", "newest"])
def test_without_a_choice_it_asks_again(technician: Client, acme: OrganizationRecord, code: str) -> None:
    made = ended(acme)
    answer = technician.post(f"{LIST}{made}/again/", {"code": code} if code else {})
    assert "Which code?" in text(answer)
    assert others(acme, made) == []


def test_what_needs_an_approval_needs_it_again(technician: Client, acme: OrganizationRecord) -> None:
    made = ended(acme, workflow="approved", input={})
    assert (
        "Started again, and waits for an approval." in act(technician, made, "again", code="current").content.decode()
    )
    assert [new.status for new in others(acme, made)] == ["PendingApproval"]


# --- who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "status"), [("cancel", "Queued"), ("again", "Failed")])
@pytest.mark.parametrize("method", ["get", "post"])
def test_those_who_only_look_are_refused(
    acme: OrganizationRecord, msp: OrganizationRecord, what: str, status: str, method: str
) -> None:
    made = ended(acme, status=status)
    answer = getattr(staff(msp, "auditor"), method)(f"{LIST}{made}/{what}/", {"code": "current"})
    assert answer.status_code == 403
    assert record(acme, made).status == status and others(acme, made) == []


@pytest.mark.parametrize("what", ["cancel", "again"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_organization_s_execution_is_not_found(
    technician: Client, acme: OrganizationRecord, globex: OrganizationRecord, what: str, method: str
) -> None:
    foreign = queued(globex) if what == "cancel" else ended(globex)
    status = record(globex, foreign).status
    for id_ in (foreign, uuid4()):
        assert getattr(technician, method)(f"{LIST}{id_}/{what}/", {"code": "current"}).status_code == 404
    assert record(globex, foreign).status == status and others(acme) == []


@pytest.mark.parametrize("what", ["cancel", "again"])
def test_a_form_of_another_site_does_nothing(acme: OrganizationRecord, msp: OrganizationRecord, what: str) -> None:
    made = ended(acme, status="Failed")
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(msp, "owner", all_organizations=True))
    assert client.post(f"{LIST}{made}/{what}/", {"code": "current"}).status_code == 403
    assert others(acme, made) == []


# --- several -----------------------------------------------------------------------------------------------------


def choose(client: Client, action: str, *executions: UUID, **values: str) -> HttpResponse:
    chosen = {"action": action, "_selected_action": [str(id_) for id_ in executions], **values}
    return client.post(LIST, chosen, follow=True)


def said(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_several_are_cancelled_after_asking(technician: Client, acme: OrganizationRecord) -> None:
    waiting, running, done = [queued(acme), queued(acme)], begun(acme), ended(acme, status="Success")
    everything = [*waiting, running, done]

    asked = text(choose(technician, "cancel_selected", *everything))
    assert "later Queued 2 executions" in asked and "1 of 4 has ended, and stays as it is." in asked
    assert [record(acme, id_).status for id_ in everything] == ["Queued", "Queued", "Running", "Success"]

    answer = said(choose(technician, "cancel_selected", *everything, confirmed="yes"))
    assert "2 cancelled. 1 asked to end: each is cancelled as soon as its worker has stopped the code." in answer
    assert "1 left as it is: ended already." in answer
    assert [record(acme, id_).status for id_ in everything] == ["Cancelled", "Cancelled", "Running", "Success"]


def test_several_run_again_after_asking(technician: Client, acme: OrganizationRecord) -> None:
    done, gone, waiting = [ended(acme), ended(acme)], ended(acme, workflow="gone"), queued(acme)
    everything = [*done, gone, waiting]
    asked = text(choose(technician, "start_selected_again", *everything))
    assert "later Failed 2 executions" in asked and "1 of 4 has not ended" in asked and "Which code?" in asked
    assert others(acme, *everything) == []

    answer = said(choose(technician, "start_selected_again", *everything, confirmed="yes", code="current"))
    assert "2 started again." in answer
    assert "1 left as it is: There is no workflow" in answer
    assert "1 left as it is: The execution has not ended: it is Queued." in answer
    assert sorted(new.retry_of for new in others(acme, *everything)) == sorted(done)


def test_several_without_a_choice_are_asked_again(technician: Client, acme: OrganizationRecord) -> None:
    made = ended(acme)
    assert "Which code?" in text(choose(technician, "start_selected_again", made, confirmed="yes"))
    assert others(acme, made) == []


@pytest.mark.parametrize("action", ["cancel_selected", "start_selected_again"])
def test_too_many_at_once_are_refused(
    technician: Client, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(execution_actions, "MOST", 2)
    made = [queued(acme), queued(acme), queued(acme)]
    assert "are too many" in said(choose(technician, action, *made, confirmed="yes", code="current"))
    assert [record(acme, id_).status for id_ in made] == ["Queued"] * 3


@pytest.mark.parametrize("action", ["cancel_selected", "start_selected_again"])
def test_those_who_only_look_have_no_such_action(
    acme: OrganizationRecord, msp: OrganizationRecord, action: str
) -> None:
    made = [queued(acme), ended(acme)]
    auditor = staff(msp, "auditor")
    assert action not in auditor.get(LIST).content.decode()
    choose(auditor, action, *made, confirmed="yes", code="current")
    assert record(acme, made[0]).status == "Queued" and others(acme, *made) == []


@pytest.mark.parametrize("action", ["cancel_selected", "start_selected_again"])
def test_a_list_acts_on_its_own_organization_alone(
    technician: Client, acme: OrganizationRecord, globex: OrganizationRecord, action: str
) -> None:
    foreign = [queued(globex), ended(globex)]
    choose(technician, action, *foreign, confirmed="yes", code="current")
    assert record(globex, foreign[0]).status == "Queued"
    assert others(globex, *foreign) == [] and others(acme) == []


def test_running_many_again_reads_them_together(technician: Client, acme: OrganizationRecord) -> None:
    made = [ended(acme) for _ in range(10)]
    with CaptureQueriesContext(connection) as captured:
        choose(technician, "start_selected_again", *made, confirmed="yes", code="current")
    read = [query["sql"] for query in captured if '"workflows_app_execution"."input"' in query["sql"]]
    assert len(read) == 1 and len(others(acme, *made)) == 10
