"""Starting processes so that none outlives the launcher, and ending them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .waiting import POLL_SECONDS, StartFailed, StopRequest

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(number: int = signal.SIGKILL) -> Callable[[], None]:
    """What a child runs before its program: the kernel signals it when the thread that started it ends."""
    parent = os.getpid()

    def arrange() -> None:
        if _prctl:
            _prctl(_PR_SET_PDEATHSIG, int(number))
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)

    return arrange


@dataclass(frozen=True)
class Account:
    """A system user that a process runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to run and how it is ended: `stop_signal`, then after `grace` seconds SIGKILL to its group.

    `death_signal` is what it gets when the launcher is killed. None of an account is the launcher's own.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path("/")
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace: float = 10.0


class Process:
    """A running command, leader of its own process group, whose output goes line by line to `sink`.

    Made by the main thread only: a process ends with the thread that started it.
    """

    def __init__(self, command: Command, sink: Callable[[str], None]) -> None:
        self.command = command
        self.started = time.monotonic()
        account = command.account
        try:
            self._popen = subprocess.Popen(
                command.arguments,
                env=dict(command.environment),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(command.death_signal),  # noqa: PLW1509  it is one system call
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            raise StartFailed(f"{command.name} could not be started: {error}") from error
        self._reader = threading.Thread(target=self._read, args=(sink,), daemon=True)
        self._reader.start()

    def _read(self, sink: Callable[[str], None]) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            sink(line.decode(errors="replace").rstrip("\r\n"))

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; the negative signal number where a signal ended it."""
        if self._popen.returncode is None:
            # Not reaped before kill(): until then nobody else can get its number, nor that of its group.
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        return self._popen.returncode

    @property
    def running(self) -> bool:
        return self.exit_status is None

    def ask_to_stop(self) -> None:
        """Asks the process alone; what it started is its own to end."""
        if self.running:
            os.kill(self.pid, self.command.stop_signal)

    def kill(self) -> None:
        """Ends the process and what is left of its group."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        self._reader.join(timeout=1)


def run(command: Command, stop: StopRequest, seconds: float = 120) -> str:
    """Runs the command to its end and returns its output. Raises StartFailed with the output, or Stopped."""
    lines: list[str] = []
    process = Process(command, lines.append)
    try:
        stop.wait_until(lambda: not process.running, command.name, seconds)
    finally:
        process.kill()
    if process.exit_status:
        raise StartFailed("\n".join([*lines, f"{command.name} failed (its output is above)."]))
    return "\n".join(lines)


def stop_all(processes: Sequence[Process], stop: StopRequest) -> None:
    """Ends them together: each is asked, given its grace (none where the stop is urgent), and killed."""
    asked = time.monotonic()
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        limit = asked + process.command.grace
        while process.running and time.monotonic() < limit and not stop.urgent:
            time.sleep(POLL_SECONDS)
        process.kill()
