"""Measures what was asked for and prints it: `bin/bench --help`."""

from __future__ import annotations

import json
import signal
import sys
import traceback

from bench import machine, options, sync
from bench.background import part as background
from bench.background import tick
from bench.clients import BenchFailed
from bench.durable import part as durable
from bench.figures import Book
from bench.outside import part as outside
from bench.peers import part as peers
from bench.portal import part as portal
from bench.stack import stack

PARTS = {
    "sync": sync.measure,
    "async": background.measure,
    "peers": peers.measure,
    "tick": tick.measure,
    "durable": durable.measure,
    "outside": outside.measure,
    "portal": portal.measure,
}


def main() -> int:
    chosen = options.parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    book = Book()
    whole = True
    with stack(chosen.port) as running:
        facts = machine.facts(running.database_url)
        for name in chosen.parts:
            print(f"Measuring: {name}", file=sys.stderr)
            try:
                PARTS[name](running, chosen, book)
            except Exception as failure:  # noqa: BLE001  what was measured until then is shown
                whole = False
                if not isinstance(failure, BenchFailed):
                    traceback.print_exception(failure)
                book.note(f"The part {name} was not measured to its end: {failure}")
            finally:
                running.stop_all()
    print("\n".join([*facts, "", book.table()]))
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": facts, **book.document()}, indent=2) + "\n")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
