"""An author at work: files come, change and break while the platform runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.launching import ROOT, eventually
from tests.acceptance.stack import Gate, Stack

# The file as the development guide prints it.
GUIDE = ROOT / "tests" / "workflows_app" / "catalog" / "samples" / "first_workflow.txt"
CHANGING = """
import asyncio
from pathlib import Path
from bifrost import workflow

@workflow(name="changing")
async def changing(context, gate: str = ""):
    if gate:
        (Path(gate) / context.execution_id).touch()
        while not (Path(gate) / "open").exists():
            await asyncio.sleep(0.02)
    from workflows.changing_words import WORD  # only now, when the file may be another one on the disk
    return "{place} " + WORD
"""


@pytest.fixture
def folder(stack: Stack) -> Iterator[Path]:
    """The workspace's workflows; what a test adds goes with it."""
    directory = stack.workspace / "workflows"
    before = set(directory.rglob("*"))
    yield directory
    for path in sorted(set(directory.rglob("*")) - before, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def curl(*arguments: str) -> Any:
    done = subprocess.run(["curl", "--silent", "--show-error", *arguments], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_the_guide_s_first_workflow_runs_at_once_and_shows_its_checkpoint(stack: Stack, folder: Path) -> None:
    (folder / "examples").mkdir()
    (folder / "examples" / "my_first_workflow.py").write_bytes(GUIDE.read_bytes())

    headers = ["-H", "X-Organization-Id: test-org-active", "-H", f"x-functions-key: {stack.token('test-org-active')}"]
    post = ["-X", "POST", "-H", "Content-Type: application/json", *headers, "-d", '{"message": "Hello World"}']
    answer = curl(*post, f"{stack.url}/api/workflows/my_first_workflow")
    record = curl(*headers, f"{stack.url}/api/executions/{answer['executionId']}")

    processed = {"original": "Hello World", "processed": "HELLO WORLD", "length": 11}
    assert answer["result"] == {**processed, "timestamp": answer["executionId"]}
    [snapshot] = record["stateSnapshots"]
    assert (snapshot["name"], snapshot["data"]) == ("processing_complete", answer["result"])
    assert [log["message"] for log in record["logs"]] == ["Processing message: Hello World"]


def write(folder: Path, place: str, word: str) -> None:
    (folder / "changing_words.py").write_text(f"WORD = {word!r}\n")
    (folder / "changing.py").write_text(CHANGING.replace("{place}", place))


def test_a_run_keeps_its_code_while_the_next_one_has_the_new(stack: Stack, folder: Path, gate: Gate) -> None:
    write(folder, "old", "words")
    under_way = stack.begin("changing", gate=str(gate))
    gate.reached()

    write(folder, "new", "sentences")
    eventually(lambda: stack.run("changing").json()["result"] == "new sentences", "the new code", 10)
    new = stack.run("changing").json()
    gate.open()
    old = under_way.result().json()

    assert old["result"] == "old words"
    versions = [stack.record(answer["executionId"])["codeVersion"] for answer in (old, new)]
    assert versions[0] != versions[1]
    sources = [
        stack.sql("SELECT files::text FROM dispatch_codeversion WHERE hash = %s", hash)[0][0] for hash in versions
    ]
    assert ["old " in sources[0], "'words'" in sources[0], "new " in sources[1], "'sentences'" in sources[1]] == [
        True
    ] * 4


def warnings(stack: Stack) -> list[str]:
    found = stack.health().json()["warnings"]
    assert isinstance(found, list)
    return found


def test_a_file_with_a_syntax_error_is_named_by_health_and_hides_no_other(stack: Stack, folder: Path) -> None:
    (folder / "broken.py").write_text("def broken(:\n    pass\n")

    eventually(lambda: warnings(stack), "the warning", 10)

    assert stack.health().status_code == 200
    assert warnings(stack) == ["workflows/broken.py does not load: see manage.py workflows."]
    assert stack.run("echo", message="still here").status_code == 200
    listed = stack.manage("workflows", "--check", wanted=1)
    assert "workflows/broken.py:1" in listed and "SyntaxError" in listed

    (folder / "broken.py").unlink()
    eventually(lambda: not warnings(stack), "the end of the warning", 10)


def test_two_workflows_of_one_name_are_both_refused_and_both_named(stack: Stack, folder: Path) -> None:
    for name in ("first", "second"):
        (folder / f"{name}.py").write_text(
            'from bifrost import workflow\n\n@workflow(name="twice")\ndef twice(context): ...\n'
        )

    answer = stack.run("twice")

    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")
    eventually(lambda: len(warnings(stack)) == 2, "both warnings", 10)
    assert "first.py" in warnings(stack)[0] and "second.py" in warnings(stack)[1]


def test_a_workflow_that_is_removed_is_gone(stack: Stack, folder: Path) -> None:
    write(folder, "some", "words")
    assert stack.run("changing").status_code == 200

    (folder / "changing.py").unlink()

    eventually(lambda: stack.run("changing").status_code == 404, "its end", 10)
