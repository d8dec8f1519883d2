"""Signals by the API: any JSON value, to one's own organization's execution, until it has ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_EXECUTIONS, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from tests.workflows_app.rest.rows import make_execution
from tests.workflows_app.rest.test_background import LATER, queued
from workflows_app import catalog
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Inbox


@pytest.fixture(autouse=True)
def background(workspace: Path) -> None:
    (workspace / "later.py").write_text(LATER)
    catalog.refresh()


def inbox(organization: OrganizationRecord, execution: str) -> list[tuple[str, Any]]:
    with org_context(organization):
        rows = Inbox.objects.filter(execution_id=execution).order_by("number")
        return [(row.name, row.data["value"]) for row in rows]


@pytest.mark.parametrize("body", [None, True, 5, "text", ["a", 1], {"deep": {"er": [1]}}])
def test_any_value_is_kept_as_it_came(api: Api, acme: OrganizationRecord, body: Any) -> None:
    execution = queued(api)

    answer = api.post(f"/api/executions/{execution}/signals/approved", json.dumps(body).encode())

    assert answer.status_code == 202
    assert answer.json() == {
        "executionId": execution,
        "status": "Queued",
        "pollUrl": f"/api/executions/{execution}",
    }
    assert inbox(acme, execution) == [("approved", body)]
    assert Dispatch.objects.get(execution=UUID(execution)).inbox == 1


def test_what_must_not_be_shown_is_encrypted(api: Api, acme: OrganizationRecord) -> None:
    execution = queued(api)
    api.post(f"/api/executions/{execution}/signals/login", {"user": "ann", "password": "correct horse"})
    assert inbox(acme, execution) == [("login", {"user": "ann", "password": "REDACTED"})]
    with org_context(acme):
        assert Inbox.objects.get(execution_id=execution).data_sealed


def test_an_ended_execution_takes_none(api: Api, acme: OrganizationRecord) -> None:
    ended = make_execution(acme)
    answer = api.post(f"/api/executions/{ended}/signals/approved")
    assert refusal(answer) == (409, "Conflict")
    assert inbox(acme, str(ended)) == []


def test_a_signal_that_is_too_large_is_refused(api: Api, acme: OrganizationRecord) -> None:
    execution = queued(api)
    answer = api.post(f"/api/executions/{execution}/signals/approved", {"text": "x" * 300_000})
    assert refusal(answer) == (413, "TooLarge")
    assert inbox(acme, execution) == []


def test_another_organizations_execution_is_not_found(api: Api, api_of: ApiOf, globex: OrganizationRecord) -> None:
    theirs = queued(api_of(globex))
    assert refusal(api.post(f"/api/executions/{theirs}/signals/approved")) == (404, "NotFound")
    assert inbox(globex, theirs) == []


def test_one_signals_ones_own_or_what_one_may_manage(api: Api, api_of: ApiOf, acme: OrganizationRecord) -> None:
    mine, theirs = api_of(acme, EXECUTE_WORKFLOWS), queued(api)
    assert refusal(mine.post(f"/api/executions/{theirs}/signals/go")) == (404, "NotFound")
    assert mine.post(f"/api/executions/{queued(mine)}/signals/go").status_code == 202
    assert api_of(acme, MANAGE_EXECUTIONS).post(f"/api/executions/{theirs}/signals/go").status_code == 202
    looking = api_of(acme, VIEW_EXECUTIONS).post(f"/api/executions/{theirs}/signals/go")
    assert refusal(looking) == (403, "PermissionError")
