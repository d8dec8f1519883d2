"""Starting a workflow that is limited, while a caller waits for it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Run, Workspace, caller
from workflows_app.dispatch import limits, settled
from workflows_app.dispatch.models import WorkflowSetting
from workflows_app.engine.connectedness import Connectedness

HELLO = """
    @workflow
    async def hello(context):
        return 1
"""


def test_what_it_asks_the_vault_for_before_it_starts_holds_up_no_other_start(
    run: Run,
    workspace: Workspace,
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Starts of limited workflows and all claims go one after the other, and a vault may take seconds."""
    workspace.add(HELLO)
    WorkflowSetting.objects.create(organization=acme.id, workflow="hello", max_concurrent=1)
    settled.forget()
    begun = threading.Event()

    def begin_another() -> None:
        with limits.room_for(globex.id, "hello", 5.0):
            begun.set()

    def fetch_meanwhile(*_: Any) -> None:
        caller(begin_another).join(10)

    monkeypatch.setattr(Connectedness, "fetch_secret_configs", fetch_meanwhile)
    assert run("hello").result == 1
    assert begun.is_set()
