"""Generated workflows that are stopped at any line of their journal and go on: they come to what they would have come
to, and do each thing once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Workspace
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.engine import waits
from workflows_app.engine.history import OPERATIONS
from workflows_app.errors import HasEnded
from workflows_app.following import outcome_of
from workflows_app.models import TERMINAL, ExecutionEvent

#: A program is a list of parts, done one after the other; "all" does several such lists at the same time.
INTERPRETER = """
    import json

    @step(retry_policy={"max_attempts": 2, "initial_interval_seconds": 0.01})
    async def work(file, name, fails):
        with open(file, "a") as lines:
            lines.write(name + "\\n")
        await asyncio.sleep(0.001 * (hash(name) % 5))
        if fails == "always" or (fails == "once" and step_info().attempt == 1):
            raise IntegrationError("away: " + name)
        return name.upper()

    async def interpret(context, file, program, seen):
        results = []
        for part in program:
            match part:
                case ["step", name, fails]:
                    try:
                        results.append(await work(file, name, fails))
                    except IntegrationError as error:
                        results.append(str(error))
                case ["sleep", seconds]:
                    await context.sleep(seconds)
                case ["signal", name]:
                    results.append(await context.wait_for_signal(name))
                case ["pause"]:
                    await asyncio.sleep(0.01)
                case ["first", name]:
                    first = await context.first(got=context.wait_for_signal(name), over=context.sleep(30))
                    results.append([first.key, first.value])
                case ["all", *programs]:
                    results.append(await asyncio.gather(*(interpret(context, file, each, seen) for each in programs)))
            seen.append(json.dumps(part))
            context.log("info", "done", part)
        return results

    @workflow(execution_mode="async", timeout_seconds=60, retry_policy={"max_attempts": 2})
    async def example(context, file: str, program: list):
        seen = []
        result = await interpret(context, file, program, seen)
        return {"result": result, "now": context.now().isoformat() != ""}
"""

NAMES = st.integers(0, 99).map(lambda number: f"s{number}")
STEP = st.tuples(st.just("step"), NAMES, st.sampled_from(["never", "never", "once", "always"]))
PART: st.SearchStrategy[Any] = st.one_of(
    STEP,
    STEP,
    st.tuples(st.just("sleep"), st.sampled_from([0.0, 0.01, 0.03])),
    st.tuples(st.just("signal"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("first"), st.sampled_from(["a", "b"])),
    st.just(("pause",)),
)
LISTS = st.lists(PART, min_size=1, max_size=4)
PROGRAM = st.lists(
    st.one_of(PART, st.lists(LISTS, min_size=2, max_size=3).map(lambda lists: ("all", *lists))), min_size=1, max_size=5
)


def signals_of(program: Any) -> list[str]:
    """The names of the signals that it waits for, in whatever order."""
    found = []
    for part in program:
        if part[0] in {"signal", "first"}:
            found.append(part[1])
        elif part[0] == "all":
            found += [name for each in part[1:] for name in signals_of(each)]
    return found


def steps_of(program: Any) -> Iterator[tuple[str, str]]:
    for part in program:
        if part[0] == "step":
            yield part[1], part[2]
        elif part[0] == "all":
            for each in part[1:]:
                yield from steps_of(each)


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
        outcome = self.worker.submit("example", file=str(self.file), program=json.loads(json.dumps(program)))
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


def bodies(value: Any) -> Any:
    """The result without what depends on which task was faster: who got which signal."""
    if isinstance(value, list):
        return [bodies(each) for each in value]
    return value[0] if isinstance(value, str) and value[:1] in "ab" and value[1:].isdigit() else value


@pytest.fixture
def case(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Case:
    monkeypatch.setattr(waits, "SOON_SECONDS", 0.0)  # so that every wait puts the run aside
    workspace.add(INTERPRETER)
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
    assert case.lost > number / 3, "hardly any run was lost"


def test_it_comes_to_what_it_would_have_come_to(case: Case) -> None:
    try_so_many(case, 25)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_five_hundred_of_them_do(case: Case) -> None:
    try_so_many(case, 500)
