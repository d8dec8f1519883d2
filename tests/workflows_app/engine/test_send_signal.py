"""`manage.py send_signal`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace
from tests.workflows_app.engine.working import Worker

WAITS = """
    @workflow(execution_mode="async")
    async def waits(context):
        return await context.wait_for_signal("go")
"""


def send(*arguments: str) -> Any:
    output = StringIO()
    call_command("send_signal", *arguments, stdout=output)
    return json.loads(output.getvalue())


@pytest.mark.parametrize(("text", "body"), [((), None), (('{"approved": true}',), {"approved": True}), (("5",), 5)])
def test_the_execution_gets_the_body(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, text: tuple[str, ...], body: Any
) -> None:
    workspace.add(WAITS)
    outcome = worker.submit("waits")

    told = send(outcome.execution_id, "go", *text, "--org", "acme")

    assert told == {"executionId": outcome.execution_id, "status": "Queued"}
    worker.start()
    assert worker.end_of(acme, outcome).result == body


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("go", "text"), "The body is not JSON"),
        (("go", "null", "--as", "nobody@example.com"), "There is no active person"),
    ],
)
def test_what_is_wrong_is_said(worker: Worker, workspace: Workspace, arguments: tuple[str, ...], message: str) -> None:
    workspace.add(WAITS)
    outcome = worker.submit("waits")
    with pytest.raises(CommandError, match=message):
        send(outcome.execution_id, *arguments, "--org", "acme")


def test_another_organizations_execution_is_not_found(
    worker: Worker, workspace: Workspace, globex: OrganizationRecord
) -> None:
    workspace.add(WAITS)
    outcome = worker.submit("waits")
    assert UUID(outcome.execution_id)
    with pytest.raises(CommandError, match="There is no such execution"):
        send(outcome.execution_id, "go", "--org", "globex")
