"""Processes that an earlier launcher of the same data directory left behind, or whose parents left them behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from .waiting import POLL_SECONDS

# Every process that the launcher starts, and their children, carry this; its value is the data directory.
MARK = "BIFROST_LAUNCHER"


def end_leftovers(data_directory: Path, patience: float = 0.0) -> int:
    """Kills what processes of this data directory still run, after waiting that long for them to end by themselves.

    Only for the holder of the directory's lock: nobody else's are left then. Returns how many were killed.
    """
    limit = time.monotonic() + patience
    while leftovers := list(_leftovers(data_directory)):
        if time.monotonic() >= limit:
            break
        time.sleep(POLL_SECONDS)
    for pid in leftovers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    limit = time.monotonic() + 5
    while list(_leftovers(data_directory)) and time.monotonic() < limit:
        time.sleep(POLL_SECONDS)
    return len(leftovers)


def _leftovers(data_directory: Path) -> Iterator[int]:
    mark = f"{MARK}={data_directory}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # PostgreSQL writes its title over its environment, but stays in its own directory.
            if mark in (entry / "environ").read_bytes().split(b"\0") or _works_in(entry, data_directory):
                if int(entry.name) != os.getpid():
                    yield int(entry.name)


def _works_in(entry: Path, data_directory: Path) -> bool:
    return Path(os.readlink(entry / "cwd")) == data_directory / "postgres"
