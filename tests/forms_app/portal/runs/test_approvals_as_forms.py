"""An approval is changed by the form that asked for it: its fields, its options and its buttons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from forms_app.models import Submission
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.approvals.rows import execution_of, make_question, reread
from workflows_app import catalog
from workflows_app.executions import Start, submit
from workflows_app.models import Approval

from .rows import submit as submit_form
from .rows import text, visit

PAGE = "/o/acme/approvals/{}"
PROVIDED = """
from bifrost import data_provider, param, workflow

@data_provider()
async def countries(context):
    return [{"label": "Norway", "value": "no"}, {"label": "Italy", "value": "it"}]

@data_provider()
async def towns(context, country):
    return [{"label": f"{name} ({country})", "value": name.lower()} for name in ("Oslo", "Bergen")]

@workflow(requires_approval=True)
@param("town", "string", data_provider="towns")
@param("country", "string", required=True, data_provider="countries")
@param("begins", "date")
async def move(context, country: str, town: str | None, begins, needs: list[str] = [], note: str = "none"):
    return town
"""
MOVING: list[dict[str, Any]] = [
    {"name": "country", "label": "Which country", "kind": "radio", "required": True, "provider": "countries"},
    {"name": "town", "label": "Which town", "kind": "choice", "provider": "towns", "inputs": {"country": "country"}},
    {"name": "begins", "label": "First day", "kind": "date"},
    {"name": "needs", "label": "What to prepare", "kind": "multiple_choice"}
    | {"choices": [{"value": "lap", "label": "Laptop"}, {"value": "desk", "label": "A desk"}]},
    {"name": "note", "label": "Note", "visibleWhen": {"field": "country", "is": "equals", "value": "no"}},
]


@pytest.fixture
def moving(workspace: Path, acme: OrganizationRecord, grace: User) -> Approval:
    """Of a start whose form has options of data providers."""
    (workspace / "moving.py").write_text(PROVIDED)
    catalog.refresh()
    actor = Actor("user", str(grace.id), grace.email, "Grace", frozenset({"canExecuteWorkflows"}))
    values = {"country": "no", "town": "oslo", "begins": "2026-12-03", "needs": ["lap"], "note": "soon"}
    outcome = submit(Start(acme, "move", values, actor))
    with org_context(acme):
        approval = Approval.objects.get(execution=outcome.execution_id)
    submit_form(acme, approval.execution_id, grace, "Move somebody", MOVING)
    labels = {"country": {"no": "Norway"}, "town": {"oslo": "Oslo (no)"}}
    with org_context(acme):
        Submission.objects.filter(execution=approval.execution_id).update(labels=labels)
    return approval


OPTIONS = PAGE + "/options/town"


def test_a_start_is_changed_by_its_own_form_with_its_options(
    acme: OrganizationRecord, moving: Approval, olga: User
) -> None:
    client = visit(olga)
    page = client.get(PAGE.format(moving.id))
    body, seen = page.content.decode(), text(page)
    assert "Which country Norway Which town Oslo (no) First day 3 December 2026 What to prepare Laptop" in seen
    assert f'hx-post="/o/acme/approvals/{moving.id}/options/town"' in body and "inputs/inputs.js" in body
    assert re.search(r'type="checkbox"[^>]*value="lap" checked', body) and 'type="date"' in body

    piece = client.post(OPTIONS.format(moving.id), {"v.country": "no", "v.town": "oslo"})
    assert piece.headers["X-Options"] == "true"
    assert '<option value="oslo" selected>Oslo (no)</option>' in piece.content.decode()
    other = client.post(OPTIONS.format(moving.id), {"v.country": "it", "v.town": "oslo"}).content.decode()
    assert "Bergen (it)" in other

    asked = ["v.country", "v.town", "v.begins", "v.needs"]
    typed = {"v.country": "it", "v.town": "bergen", "v.begins": "2026-12-03", "v.needs": ["lap", "desk"]}
    sent = {**typed, "-asked": asked, "decision": "approve"}
    assert client.post(PAGE.format(moving.id), sent).status_code == 302
    row = execution_of(acme, moving)
    given = {"country": "it", "town": "bergen", "begins": "2026-12-03", "needs": ["lap", "desk"]}
    assert row.approved_input == {**given, "note": "none"}, "what is not asked any more begins as the workflow says"
    seen = text(client.get(PAGE.format(moving.id)))
    assert "Asked for: Oslo (no) Approved as Bergen (it)" in seen and "Approved as Laptop A desk" in seen


def test_what_is_no_option_is_told_at_its_field(acme: OrganizationRecord, moving: Approval, olga: User) -> None:
    typed = {"v.country": "no", "v.town": "rome", "v.begins": "no day", "decision": "approve"}
    answer = visit(olga).post(PAGE.format(moving.id), typed)
    assert "must be a date" in text(answer, 400)
    answer = visit(olga).post(PAGE.format(moving.id), {**typed, "v.begins": "2026-12-04"})
    assert "is not among the options" in text(answer, 400) and 'href="#i-v-town"' in answer.content.decode()
    assert reread(acme, moving).state == "pending"


def test_a_button_that_changes_the_page_decides_nothing(acme: OrganizationRecord, moving: Approval, olga: User) -> None:
    pressed = {"-update": "true", "v.country": "it", "v.town": "bergen", "decision": "approve"}
    answer = visit(olga).post(PAGE.format(moving.id), pressed)
    assert "Bergen (it)" in text(answer) and 'value="bergen" selected' in answer.content.decode()
    assert reread(acme, moving).state == "pending"


def test_options_are_for_those_who_decide(
    acme: OrganizationRecord, globex: OrganizationRecord, moving: Approval, grace: User, olga: User
) -> None:
    foreign = make_question(globex)
    assert visit(grace).post(OPTIONS.format(moving.id), {"v.country": "no"}).status_code == 404, "asked for it herself"
    client = visit(olga)
    for id_ in (foreign.id, uuid4()):
        assert client.post(OPTIONS.format(id_), {"v.country": "no"}).status_code == 404
    assert client.post(PAGE.format(moving.id) + "/options/begins").status_code == 404, "it has none"
    assert client.post(PAGE.format(moving.id) + "/options/nothing").status_code == 404
    assert client.get(OPTIONS.format(moving.id)).status_code == 405


def test_a_start_without_a_form_is_changed_by_its_parameters(
    acme: OrganizationRecord, moving: Approval, olga: User
) -> None:
    with org_context(acme):
        Submission.objects.all().delete()
    body = visit(olga).get(PAGE.format(moving.id)).content.decode()
    assert ">\nlap</textarea>" in body and 'type="date"' in body and "/options/town" in body
