"""Which parts a command line of bin/bench names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.options import PARTS, parse


def test_without_a_part_all_are_measured() -> None:
    assert parse([]).parts == PARTS


def test_parts_run_in_their_own_order_whatever_order_they_are_named_in() -> None:
    assert parse(["peers", "sync"]).parts == ("sync", "peers")


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["everything"])
    assert "invalid choice: 'everything'" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "tasks"), [([], 3_000), (["--long"], 10_000), (["--tasks", "50"], 50)])
def test_how_many_executions_are_measured(arguments: list[str], tasks: int) -> None:
    assert parse(arguments).tasks == tasks


def test_the_file_for_the_values_is_where_the_caller_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(["--json", "figures.json"]).json == tmp_path / "figures.json"


def test_numbers_of_threads_are_measured_one_after_another() -> None:
    assert parse(["--threads", "1,2,8"]).threads == (1, 2, 8)
    with pytest.raises(SystemExit):
        parse(["--threads", "0"])


def test_the_goals_of_durable_workflows_are_what_is_measured_unless_told_otherwise() -> None:
    chosen = parse(["durable"])
    assert (chosen.steps, chosen.recorded, chosen.suspended, chosen.woken) == (1_000, 10_000, 10_000, 1_000)
    assert parse(["durable", "--suspended", "20", "--woken", "5"]).suspended == 20
