"""The part of the benchmark that measures the minute tick with many organizations due at once."""

from __future__ import annotations

import json
import subprocess

from bench import commits
from bench.clients import BenchFailed
from bench.figures import Book, Ratio
from bench.options import Options
from bench.stack import ORGANIZATION, ROOT, Stack

INSERTS = "bare: as many inserts of an execution, one commit each, one client"


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Without workers, so that the tick alone is measured. Its organizations are made first, which takes a while."""
    commits.prepare(stack.database_url, stack.schema(ORGANIZATION))
    environment = {**stack.environment, "PYTHONPATH": str(ROOT)}
    command = stack.python("due", options.organizations, options.rounds)
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BenchFailed("bench/due.py failed (its output is above).")
    for tick in json.loads(done.stdout.splitlines()[-1]):
        if tick["started"] != options.organizations:
            raise BenchFailed(f"{tick['started']} of {options.organizations} due executions were started.")
        book.add(INSERTS, "s", options.organizations / commits.inserts(stack.database_url, options.seconds))
        book.add(f"tick, {options.organizations:,} organizations due", "s", tick["seconds"], Ratio(INSERTS))
        book.add(f"tick, {options.organizations:,} organizations due", "statements by Django", tick["statements"])
