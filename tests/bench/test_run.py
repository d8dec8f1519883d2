"""bin/bench itself, shortened."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.launching import ROOT, environment, processes


def run_part(place: Path, *arguments: str) -> tuple[str, dict[str, float]]:
    """What a shortened run prints, and its figures by name and unit."""
    values = place / "values.json"
    run = subprocess.run(
        [ROOT / "bin/bench", *arguments, "--rounds", "1", "--seconds", "0.5", "--port", "0", "--json", str(values)],
        env=environment(place, TMPDIR=str(place)),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    figures = json.loads(values.read_text())["figures"]
    return run.stdout, {f"{figure['what']}, {figure['unit']}": figure["median"] for figure in figures}


@pytest.mark.faults
def test_a_part_is_measured_and_nothing_is_left_behind(tmp_path: Path) -> None:
    printed, figures = run_part(tmp_path, "sync")

    assert "| sync POST, trivial, 8 clients | per second |" in printed
    assert "PostgreSQL" in printed.splitlines()[1]
    assert next(iter(figures)).startswith("bare: two commits, 1 client"), "the yardstick comes first"
    assert [path.name for path in tmp_path.iterdir()] == ["values.json"]
    assert processes(tmp_path) == {}


@pytest.mark.faults
def test_durable_workflows_are_measured_in_the_small(tmp_path: Path) -> None:
    counts = ("--steps", "40", "--recorded", "60", "--suspended", "20", "--woken", "10")

    printed, figures = run_part(tmp_path, "durable", "--only", "no peer", *counts)

    assert figures["Bifrost: trivial steps, 1 execution, commits per step"] == 1.0
    assert figures["Bifrost: trivial steps, 8 executions side by side, commits per step"] <= 1.0
    assert 0 < figures["60 steps, one after another: resumed, signal to end, s"] < 60
    assert figures["20 suspended: workers meanwhile, MB resident"] > 0
    assert "DBOS" not in printed


@pytest.mark.faults
def test_calls_of_services_are_measured_in_the_small(tmp_path: Path) -> None:
    _, figures = run_part(tmp_path, "outside", "--audited", "4")

    audits = "audits of 4 organizations, 10 calls of 100 ms each, 50 at once"
    assert 1.0 <= figures[f"{audits}, s"] < 60
    assert 1 <= figures[f"{audits}, connections"] <= 50
    assert figures["a call through context.http, ms"] > figures["bare: the same call through httpx, ms"] > 0


@pytest.mark.faults
def test_the_portal_is_measured_in_the_small(tmp_path: Path) -> None:
    _, figures = run_part(tmp_path, "portal", "--forms", "3", "--requests", "30")

    measured = ["the portal's home", "own requests", "the organization's requests", "a form", "a request"]
    assert all(figures[f"{each}, ms"] > 0 for each in [*measured, "options from the cache"]), figures
