"""Generated workflows whose process is killed in the middle of a step, and that go on in another one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.acceptance.crowd import Crowd, all_workers
from tests.acceptance.launching import eventually
from tests.acceptance.programs import PROGRAM, bodies, signals_of, words_of

CASES = 20


def run(crowd: Crowd, program: Any, file: Path) -> Any:
    """What it came to."""
    stack = crowd.stack
    [id_] = crowd.start("program_of_parts", 1, room=False, file=str(file), program=json.loads(json.dumps(program)))
    for number, name in enumerate(signals_of(program)):
        path = f"/api/executions/{id_}/signals/{name}"
        answer = stack.call("POST", path, stack.token("acme"), json=f"{name}{number}")
        assert answer.status_code in {202, 409}, answer.text
    crowd.wait_ended()
    crowd.check_journals([id_])
    record = stack.record(id_)
    assert record["status"] == "Success", record
    return bodies(record["result"]["result"])


def words(file: Path) -> Counter[str]:
    return Counter(file.read_text().split())


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_they_come_to_what_they_would_have_come_to(crowd: Crowd, tmp_path: Path) -> None:
    kills = []

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(program=PROGRAM.filter(lambda program: any(words_of(program))), data=st.data())
    def tried(program: Any, data: st.DataObject) -> None:
        all_workers(crowd.stack)
        undisturbed, disturbed = (tmp_path / f"{len(kills)} {which}" for which in ("undisturbed", "disturbed"))
        expected = run(crowd, program, undisturbed)
        word = data.draw(st.sampled_from(sorted(set(words_of(program)))))
        death = Path(f"{disturbed}.{word}.die")
        death.touch()
        kills.append(word)

        assert run(crowd, program, disturbed) == expected

        assert not death.exists()
        again = words(disturbed) - words(undisturbed)
        # What was under way is done again: the step that was killed, and those of other tasks beside it.
        assert again[word] >= 1
        assert words(disturbed).keys() == words(undisturbed).keys()
        assert sum(again.values()) <= 6, again
        eventually(lambda: not crowd.stack.unfinished(), "the end")

    tried()
    assert len(kills) >= CASES
