"""What a process costs, read from /proc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pytest import MonkeyPatch

from bench.background import idle
from bench.machine import processor

BUSY = "import time; end = time.process_time() + 30\nwhile time.process_time() < end: pass"


def test_a_family_is_a_process_with_its_children_and_theirs() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 30 & echo started; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        own, child = idle.family(shell.pid)
        assert own == shell.pid
        assert {shell.pid, child} < set(idle.family(os.getpid()))
        os.kill(child, 9)


def test_a_thread_that_ends_meanwhile_hides_no_child_of_the_others(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    for thread, children in ("1", "2 "), ("3", None), ("4", "5 6 "):
        (tmp_path / "1" / "task" / thread).mkdir(parents=True)
        if children is not None:
            (tmp_path / "1" / "task" / thread / "children").write_text(children)
    monkeypatch.setattr(idle, "PROC", tmp_path)

    assert sorted(idle.family(1)) == [1, 2, 5, 6]


def test_a_busy_process_costs_more_than_one_that_sleeps() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", BUSY]) as busy,
        subprocess.Popen(["/bin/sleep", "30"]) as sleeping,
    ):
        costs = idle.costs({"busy": busy.pid, "sleeping": sleeping.pid}, 0.5)
        busy.kill()
        sleeping.kill()
    assert costs["busy"][0].percent > 10
    assert costs["sleeping"][0].percent < 5
    assert costs["busy"][0].resident_mb > costs["sleeping"][0].resident_mb > 0
    assert 0 < costs["busy"][0].proportional_mb <= costs["busy"][0].resident_mb + 1


def test_a_process_that_ends_meanwhile_is_left_out() -> None:
    with subprocess.Popen(["/bin/sleep", "0.1"]) as ending:
        root = os.getpid()
        costs = idle.costs({"all": root}, 0.4)["all"]
        assert root in {cost.pid for cost in costs}
        ending.wait()
        assert idle.costs({"gone": ending.pid}, 0.01) == {"gone": []}


def test_a_file_of_proc_that_lacks_the_value_counts_as_nothing() -> None:
    assert idle.memory_mb("VmRSS:\t   2048 kB\n", "VmRSS") == 2
    assert idle.memory_mb("VmPeak:\t   2048 kB\n", "VmRSS") == 0


def test_the_processor_is_named_as_the_kernel_names_it() -> None:
    assert processor("processor\t: 0\nmodel name\t: Fast One 3000\nmodel name\t: Fast One 3000\n") == "Fast One 3000"
    assert processor("CPU part\t: 0xd0c\n") == os.uname().machine
