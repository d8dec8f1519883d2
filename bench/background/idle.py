"""What Bifrost costs while nothing happens, from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """One process: share of a processor in percent, and megabytes resident and its own share of them."""

    pid: int
    percent: float
    resident_mb: float
    proportional_mb: float


def costs(roots: dict[str, int], seconds: float) -> dict[str, list[Cost]]:
    """By the name of the process that started them: each process that was there all the time, the root first."""
    families = {name: {pid: cpu_seconds(pid) for pid in family(root)} for name, root in roots.items()}
    began = time.monotonic()
    time.sleep(seconds)
    taken = time.monotonic() - began
    found = {name: [_cost(pid, before, taken) for pid, before in cpus.items()] for name, cpus in families.items()}
    return {name: [cost for cost in costs if cost] for name, costs in found.items()}


def family(pid: int) -> Iterator[int]:
    """The process and all that it and its children started."""
    yield pid
    for child in _children(pid):
        yield from family(child)


def _children(pid: int) -> list[int]:
    """What its threads started. One that ends meanwhile leaves what the others started."""
    children: list[int] = []
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                children += map(int, (task / "children").read_text().split())
    return children


def cpu_seconds(pid: int) -> float:
    """User and system time of the process since its start; 0 where it has ended."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(text: str, name: str) -> float:
    """A value of a file in /proc that counts in kB, such as `VmRSS:` or `Pss:`."""
    for line in text.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cost(pid: int, cpu_before: float, seconds: float) -> Cost | None:
    """None where it has ended."""
    place = PROC / str(pid)
    used = cpu_seconds(pid) - cpu_before
    try:
        status, memory = (place / "status").read_text(), (place / "smaps_rollup").read_text()
    except OSError:
        return None
    return Cost(pid, used / seconds * 100, memory_mb(status, "VmRSS"), memory_mb(memory, "Pss"))
