"""A workspace of the test's own, and an engine that runs it on the real database."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.db import connections

from integrations import breakers, rates
from orgs.permissions import EVERYTHING
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog
from workflows_app.engine import process
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Execution, ExecutionEvent

if TYPE_CHECKING:
    from tests.workflows_app.engine.working import Worker

ADA = Actor("user", "11111111-1111-7111-8111-111111111111", "ada@acme.example", "Ada", frozenset({EVERYTHING}))


class Workspace:
    """A directory of workflows."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, source: str, file: str = "workflows/examples.py") -> None:
        path = self.directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import asyncio, time\nfrom bifrost import *\n" + textwrap.dedent(source))
        catalog.refresh()


@pytest.fixture
def workspace(tmp_path: Path, settings: Any) -> Iterator[Workspace]:
    settings.WORKSPACE = tmp_path / "workspace"
    settings.WORKSPACE.mkdir()
    yield Workspace(settings.WORKSPACE)


@pytest.fixture
def limits(settings: Any) -> Callable[..., None]:
    """Changes the engine's settings for one test, before its engine starts."""

    def change(**values: Any) -> None:
        settings.ENGINE = {**django_settings.ENGINE, **values}

    return change


@pytest.fixture
def engine_stops(transactional_db: None) -> Iterator[None]:
    process.configure("web")
    yield
    process.stop(grace=0)


Run = Callable[..., Outcome]


def caller(function: Callable[[], Any]) -> threading.Thread:
    """A started thread that calls the function as a web thread would, and leaves no connection behind."""

    def call() -> None:
        try:
            function()
        finally:
            connections.close_all()

    thread = threading.Thread(target=call)
    thread.start()
    return thread


@pytest.fixture
def run(engine_stops: None, workspace: Workspace, acme: OrganizationRecord) -> Run:
    """Runs a workflow of the test's workspace to its end, for acme and Ada unless told otherwise."""

    def start(name: str, /, **parameters: Any) -> Outcome:
        return submit(Start(acme, name, parameters, ADA))

    return start


def recorded(organization: OrganizationRecord, outcome: Outcome) -> Execution:
    with org_context(organization):
        return Execution.objects.get(id=outcome.execution_id)


def journal(organization: OrganizationRecord, outcome: Outcome, *kinds: str) -> list[tuple[str, str, Any]]:
    """The lines of an execution's journal as (kind, name, data), of the given kinds or all."""
    with org_context(organization):
        events = ExecutionEvent.objects.filter(execution_id=outcome.execution_id).order_by("seq")
        return [(event.kind, event.name, event.data) for event in events if not kinds or event.kind in kinds]


@pytest.fixture
def worker(transactional_db: None, workspace: Workspace, acme: OrganizationRecord) -> Iterator[Any]:
    """What a worker process hosts; not started yet."""
    from tests.workflows_app.engine.working import Worker

    yield Worker(acme)
    process.stop(grace=0)
    process.configure("web")


PAY = """
@workflow(execution_mode="async")
async def pay(context, amount: int = 250):
    decision = await context.wait_for_approval(
        "Pay the invoice", {"amount": amount, "note": {"type": "string", "label": "Note"}}, message="It is due."
    )
    await context.sleep(1.2)  # so that the code runs once more from its top
    by = decision.decided_by
    return {
        "approved": decision.approved, "true": bool(decision), "by": [by.name, by.email],
        "at": decision.decided_at.isoformat(), "comment": decision.comment, "values": decision.values,
    }
"""


@pytest.fixture
def paying(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(PAY)
    worker.start()
    return worker


@pytest.fixture
def no_circuits_known() -> Iterator[None]:
    breakers.forget()
    yield
    breakers.forget()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What each asking for a permit was answered."""
    answers: list[float] = []
    take = rates.take

    def noted(*arguments: Any, **named: Any) -> float:
        answers.append(take(*arguments, **named))
        return answers[-1]

    monkeypatch.setattr(rates, "take", noted)
    return answers
