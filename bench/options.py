"""What can be chosen for a run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

PARTS = ("sync", "async", "peers", "tick", "durable", "outside", "portal")


@dataclass(frozen=True)
class Options:
    parts: tuple[str, ...]
    seconds: float
    rounds: int
    tasks: int
    processes: int
    threads: tuple[int, ...]
    singles: int
    organizations: int
    steps: int
    recorded: int
    suspended: int
    woken: int
    audited: int
    forms: int
    requests: int
    only: str
    port: int
    json: Path | None


def numbers(text: str) -> tuple[int, ...]:
    """Positive ones, with commas between them."""
    found = tuple(int(part) for part in text.split(","))
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text} holds a number below 1")
    return found


def parse(arguments: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Starts Bifrost on a database of its own, measures it beside what it stands on and beside its"
        " peers, and prints a table in Markdown. Every figure is taken several times; the median counts.",
    )
    add = parser.add_argument
    add("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"{', '.join(PARTS)}; all where none is named")
    add("--seconds", type=float, default=4.0, help="length of one measurement of requests or commits (default: 4)")
    add("--rounds", type=int, default=3, help="how often each figure is taken (default: 3)")
    add("--tasks", type=int, default=3_000, help="executions of one measurement of throughput (default: 3000)")
    add("--long", action="store_true", help="10,000 of them")
    add("--processes", type=int, default=2, help="that submit, for Bifrost and its peers alike (default: 2)")
    add("--threads", type=numbers, default=(1, 4), help="in each of these, one after another (default: 1,4)")
    add("--singles", type=int, default=200, help="submits one after another, for latency (default: 200)")
    add("--organizations", type=int, default=1_000, help="that are due at once in the part tick (default: 1000)")
    add("--steps", type=int, default=1_000, help="of each execution whose steps are timed (default: 1000)")
    add("--recorded", type=int, default=10_000, help="steps of the execution that resumes (default: 10000)")
    add("--suspended", type=int, default=10_000, help="executions that wait at once (default: 10000)")
    add("--woken", type=int, default=1_000, help="of them that are woken at the same moment (default: 1000)")
    add("--audited", type=int, default=100, help="organizations audited in the part outside (default: 100)")
    add("--forms", type=int, default=500, help="of the organization in the part portal (default: 500)")
    add("--requests", type=int, default=10_000, help="that were made there before (default: 10000)")
    add("--only", default="", metavar="TEXT", help="only the peers in whose name and setting this occurs")
    add("--port", type=int, default=7172, help="of the web process; 0 takes a free one (default: 7172)")
    add("--json", type=Path, metavar="FILE", help="write all values there too")
    chosen = parser.parse_args(arguments)
    return Options(
        parts=tuple(part for part in PARTS if part in chosen.parts or not chosen.parts),
        seconds=chosen.seconds,
        rounds=chosen.rounds,
        tasks=10_000 if chosen.long else chosen.tasks,
        processes=chosen.processes,
        threads=chosen.threads,
        singles=chosen.singles,
        organizations=chosen.organizations,
        steps=chosen.steps,
        recorded=chosen.recorded,
        suspended=chosen.suspended,
        woken=chosen.woken,
        audited=chosen.audited,
        forms=chosen.forms,
        requests=chosen.requests,
        only=chosen.only,
        port=chosen.port,
        json=chosen.json.resolve() if chosen.json else None,
    )
