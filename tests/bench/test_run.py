"""bin/bench itself, shortened."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.launching import ROOT, environment, processes


@pytest.mark.faults
def test_a_part_is_measured_and_nothing_is_left_behind(tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    arguments = ["sync", "--rounds", "1", "--seconds", "0.5", "--port", "0", "--json", str(values)]
    run = subprocess.run(
        [ROOT / "bin/bench", *arguments],
        env=environment(tmp_path, TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "| sync POST, trivial, 8 clients | per second |" in run.stdout
    assert "PostgreSQL" in run.stdout.splitlines()[1]
    names = [figure["what"] for figure in json.loads(values.read_text())["figures"]]
    assert names[0] == "bare: two commits, 1 client"
    assert [path.name for path in tmp_path.iterdir()] == ["values.json"]
    assert processes(tmp_path) == {}
