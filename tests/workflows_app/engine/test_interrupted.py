"""Generated workflows that are stopped at any line of their journal and go on: they come to what they would have come
to, and do each thing once."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.acceptance.programs import PROGRAM, PROGRAMS, bodies, signals_of
from tests.workflows_app.engine.conftest import ADA, Workspace
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import catalog, sending
from workflows_app.engine import waits
from workflows_app.engine.history import OPERATIONS
from workflows_app.errors import HasEnded
from workflows_app.following import outcome_of
from workflows_app.models import TERMINAL, ExecutionEvent


class Case:
    """One program, run by a worker that is lost again and again."""

    def __init__(self, worker: Worker, acme: OrganizationRecord, directory: Path) -> None:
        self.worker = worker
        self.acme = acme
        self.file = directory / "lines"
        self.lost = 0

    def run(self, program: Any, cuts: list[int]) -> Any:
        """How it ends; it is lost whenever its journal has so many lines."""
        self.file.write_text("")
        engine = self.worker.start()
        outcome = self.worker.submit("program_of_parts", file=str(self.file), program=json.loads(json.dumps(program)))
        names = signals_of(program)
        for number, name in enumerate(names):
            self._send(outcome, name, f"{name}{number}")
        for cut in sorted(cuts):
            eventually(lambda cut=cut: self._lines(outcome) >= cut or self._ended(outcome), "its journal", 20)
            self.lost += len(engine.runs)
            lose(engine)
            engine = self.worker.start()
        end = self.worker.end_of(self.acme, outcome)
        self.recorded_once(outcome)
        return end

    def recorded_once(self, outcome: Any) -> None:
        """No operation has come to something twice, and nothing was said twice."""
        with org_context(self.acme):
            lines = ExecutionEvent.objects.filter(execution_id=outcome.execution_id)
            told = Counter(
                (line.path, line.kind, line.name if line.kind != "log" else "", line.number)
                for line in lines
                if line.kind == "log" or (line.kind in OPERATIONS and line.data["state"] in {"done", "failed"})
            )
        assert not [key for key, number in told.items() if number > 1]

    def done(self) -> Counter[str]:
        return Counter(self.file.read_text().split())

    def _send(self, outcome: Any, name: str, body: str) -> None:
        try:
            sending.signal(self.acme, UUID(outcome.execution_id), name, body, ADA)
        except HasEnded:
            return
        self.worker.wake()

    def _lines(self, outcome: Any) -> int:
        with org_context(self.acme):
            return ExecutionEvent.objects.filter(execution_id=outcome.execution_id).count()

    def _ended(self, outcome: Any) -> bool:
        return outcome_of(self.acme, UUID(outcome.execution_id)).status in TERMINAL


@pytest.fixture
def case(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Case:
    monkeypatch.setattr(waits, "SOON_SECONDS", 0.0)  # so that every wait puts the run aside
    (workspace.directory / "workflows").mkdir()
    shutil.copy(PROGRAMS, workspace.directory / "workflows")
    catalog.refresh()
    return Case(worker, acme, tmp_path)


def check(case: Case, program: Any, cuts: list[int]) -> None:
    undisturbed = case.run(program, [])
    assert undisturbed.error is None
    at_least = case.done()
    found = case.run(program, cuts)
    assert found.error is None, found.error
    assert bodies(found.result["result"]) == bodies(undisturbed.result["result"])
    done = case.done()
    # A step that was under way when its worker was lost is done again; no other one is.
    assert done.keys() == at_least.keys()
    surplus = sum((done - at_least).values())
    assert surplus <= len(cuts) * 6, (done, at_least)


def case_settings(number: int) -> Any:
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


CUTS = st.lists(st.integers(2, 25), min_size=1, max_size=2)


def try_so_many(case: Case, number: int) -> None:
    @case_settings(number)
    @given(program=PROGRAM, cuts=CUTS)
    def tried(program: Any, cuts: list[int]) -> None:
        check(case, program, cuts)

    tried()
    assert case.lost > number // 20, "hardly any run was lost"


def test_it_comes_to_what_it_would_have_come_to(case: Case) -> None:
    try_so_many(case, 10)


def test_tasks_side_by_side_go_on_from_every_line(case: Case) -> None:
    """Several steps in each of several tasks, which end in another order than they were begun in."""
    lists = [[["step", f"s{task}{'x' * (9 - 3 * task)}", "never"], ["step", f"t{task}", "once"]] for task in range(3)]
    program = [["all", *lists], ["step", "last", "never"]]
    for cut in range(2, 12):
        check(case, program, [cut])


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_five_hundred_of_them_do(case: Case) -> None:
    try_so_many(case, 500)
