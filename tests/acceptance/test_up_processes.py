"""The launcher's parts, with real processes: starting, stopping, keeping, and writing what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bin.launcher.processes import Command, Process, run, stop_all
from bin.launcher.supervisor import FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, STEADY_SECONDS, Kept, Supervisor
from bin.launcher.terminal import Terminal
from bin.launcher.waiting import StartFailed, Stopped, StopRequest
from tests.acceptance.launching import ROOT, eventually

NOBODY_LISTENS: Callable[[str], None] = lambda _: None  # noqa: E731


def shell(script: str, grace: float = 10.0) -> Command:
    return Command("shell", ["/bin/sh", "-c", script], {"PATH": os.defpath}, grace=grace)


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_process_hands_over_its_output_line_by_line() -> None:
    lines: list[str] = []
    process = Process(shell("echo one; echo two >&2; printf 'no end'"), lines.append)

    eventually(lambda: len(lines) == 3, "three lines")
    process.kill()

    assert lines == ["one", "two", "no end"]


def test_bytes_that_are_no_text_do_not_stop_the_reading() -> None:
    lines: list[str] = []
    process = Process(shell(r"printf '\377\n'; echo after"), lines.append)

    eventually(lambda: "after" in lines, "the line after")
    process.kill()


def test_a_command_that_does_not_exist_is_named() -> None:
    with pytest.raises(StartFailed, match="odd could not be started"):
        Process(Command("odd", ["/nonexistent"]), NOBODY_LISTENS)


def test_killing_ends_what_the_process_started() -> None:
    lines: list[str] = []
    process = Process(shell("sleep 600 & echo $!; wait"), lines.append)
    eventually(lambda: lines, "the child's pid")

    process.kill()

    eventually(lambda: not alive(int(lines[0])), "the child's end")
    assert process.exit_status == -signal.SIGKILL


def test_the_exit_status_is_known_before_and_after_the_process_is_reaped() -> None:
    process = Process(shell("exit 3"), NOBODY_LISTENS)
    eventually(lambda: not process.running, "its end")

    assert process.exit_status == 3
    process.kill()
    assert process.exit_status == 3


def test_processes_that_obey_are_stopped_and_others_killed_after_their_grace() -> None:
    ready: list[str] = []
    obedient = Process(shell("trap 'exit 5' TERM; echo x; while :; do sleep 0.05; done"), ready.append)
    deaf = Process(shell("trap '' TERM; echo x; while :; do sleep 0.05; done", grace=0.5), ready.append)
    eventually(lambda: len(ready) == 2, "both have set their traps")

    began = time.monotonic()
    stop_all([deaf, obedient], StopRequest())

    assert (obedient.exit_status, deaf.exit_status) == (5, -signal.SIGKILL)
    assert 0.5 <= time.monotonic() - began < 5


def test_an_urgent_stop_gives_no_grace() -> None:
    ready: list[str] = []
    deaf = Process(shell("trap '' TERM; echo x; while :; do sleep 0.05; done", grace=60), ready.append)
    eventually(lambda: ready, "the trap")
    stop = StopRequest()
    stop.urgent = True

    began = time.monotonic()
    stop_all([deaf], stop)

    assert time.monotonic() - began < 5


def test_a_process_ends_with_a_launcher_that_is_killed() -> None:
    script = (
        "from bin.launcher.processes import Command, Process\n"
        "process = Process(Command('sleep', ['/bin/sleep', '600']), print)\n"
        "print(process.pid, flush=True)\n"
        "import signal; signal.pause()\n"
    )
    launcher = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline())
    assert alive(pid)

    launcher.kill()
    launcher.communicate()

    eventually(lambda: not alive(pid), "the process's end", 5)


def test_a_command_that_fails_shows_its_output() -> None:
    with pytest.raises(StartFailed, match=r"broken pipe of dreams\nshell failed"):
        run(shell("echo broken pipe of dreams; exit 1"), StopRequest())


def test_a_command_that_succeeds_gives_its_output() -> None:
    assert run(shell("echo one; echo two"), StopRequest()) == "one\ntwo"


def test_a_stop_ends_a_command_that_is_waited_for() -> None:
    stop = StopRequest()
    stop._note(signal.SIGTERM, None)

    with pytest.raises(Stopped):
        run(shell("sleep 600"), stop)


def test_the_first_signal_asks_and_the_second_is_urgent() -> None:
    stop = StopRequest()

    stop._note(signal.SIGINT, None)
    assert (stop.asked, stop.urgent, stop.signal) == (True, False, signal.SIGINT)

    stop._note(signal.SIGTERM, None)
    assert (stop.urgent, stop.signal) == (True, signal.SIGINT)


def test_waiting_too_long_says_for_what() -> None:
    with pytest.raises(StartFailed, match=r"The moon took longer than 0\.05 s"):
        StopRequest().wait_until(lambda: False, "The moon", 0.05)


def test_work_that_is_waited_for_hands_on_what_it_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        StopRequest().wait_for(lambda: 1 // 0, "The work", 5)


class Keeping:
    """A supervisor of one process that ends at once, looked at by hand."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.terminal = Terminal(writer)
        self.changes = 0
        self.supervisor = Supervisor(self.terminal, StopRequest(), self._changed)
        self.kept = Kept("web", self._start(), self._start)

    def _changed(self) -> None:
        self.changes += 1

    def _start(self) -> Process:
        return Process(shell("exit 7"), NOBODY_LISTENS)

    def look_once_ended(self, now: float) -> None:
        eventually(lambda: not self.kept.process.running, "its end")
        self.supervisor.look_at(self.kept, now)


def test_a_process_that_ended_is_started_again_when_that_is_due() -> None:
    keeping = Keeping()
    first = keeping.kept.process
    now = first.started

    keeping.look_once_ended(now)
    keeping.look_once_ended(now + FIRST_DELAY_SECONDS / 2)
    assert (keeping.kept.process, keeping.changes) == (first, 0)

    keeping.look_once_ended(now + FIRST_DELAY_SECONDS)
    assert keeping.kept.process is not first
    assert keeping.changes == 1
    assert b"web ended by itself (status 7); it starts again in 0.5 s." in os.read(keeping.reader, 1000)


def test_the_delay_doubles_up_to_a_limit_and_begins_anew_after_a_steady_time() -> None:
    keeping = Keeping()
    delays = []
    for _ in range(9):
        started = keeping.kept.process.started
        keeping.look_once_ended(started)
        delays.append(keeping.kept.due - started)
        keeping.look_once_ended(keeping.kept.due)

    assert delays[:4] == pytest.approx([0.5, 1, 2, 4])
    assert delays[-1] == pytest.approx(LONGEST_DELAY_SECONDS)

    steady = keeping.kept.process.started + STEADY_SECONDS + 1
    keeping.look_once_ended(steady)
    assert keeping.kept.due - steady == pytest.approx(FIRST_DELAY_SECONDS)


def test_lines_carry_the_part_they_come_from() -> None:
    reader, writer = os.pipe()
    terminal = Terminal(writer)

    terminal.line("web", "hello")
    terminal.say("plain")
    terminal.close()

    assert os.read(reader, 1000) == b"web       | hello\nplain\n"


def test_writing_never_waits_for_a_reader_and_says_what_was_dropped() -> None:
    reader, writer = os.pipe()
    terminal = Terminal(writer)
    for number in range(20_000):
        terminal.line("web", f"{number} " + "x" * 100)

    text = b""
    while b"lines were dropped" not in text:
        text += os.read(reader, 1_000_000)
        terminal.line("web", "more")

    assert text.startswith(b"web       | 0 x")


def test_a_closed_terminal_stops_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    terminal = Terminal(writer)

    began = time.monotonic()
    terminal.say("into the void")
    terminal.close(seconds=5)

    assert time.monotonic() - began < 4
