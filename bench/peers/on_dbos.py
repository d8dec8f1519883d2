"""The peer DBOS Transact: `prepare` makes its tables, `worker` runs workflows, the rest is its client."""

from __future__ import annotations

import os
import signal
import sys
import threading

import psycopg
from dbos import DBOS, DBOSClient, DBOSConfig

from bench import submitting

URL = os.environ["BENCH_DATABASE_URL"]
QUEUE = "bench"
FINISHED = "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = %s AND status = 'SUCCESS'"


@DBOS.workflow()
def add(first: int, second: int) -> int:
    return first + second


def launch() -> None:
    limit = os.environ.get("BENCH_DBOS_CONCURRENCY")
    config = DBOSConfig(
        name="bench",
        system_database_url=URL,
        application_version="1",
        executor_id=f"worker-{os.getpid()}",
        log_level="ERROR",
        sys_db_pool_size=int(os.environ.get("BENCH_DBOS_POOL", "20")),
    )
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(
        QUEUE,
        polling_interval_sec=float(os.environ.get("BENCH_DBOS_POLL", "1.0")),
        worker_concurrency=int(limit) if limit else None,
        on_conflict="always_update",
    )


def work() -> None:
    launch()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    os._exit(0)


def main() -> None:
    if sys.argv[1] == "worker":
        return work()
    if sys.argv[1] == "prepare":
        launch()
        os._exit(0)
    options = submitting.arguments().parse_args()
    client = DBOSClient(system_database_url=URL, system_database_pool_size=options.threads)
    reader = psycopg.connect(URL, autocommit=True)

    def enqueue(number: int) -> str:
        handle = client.enqueue({"queue_name": QUEUE, "workflow_name": add.__qualname__}, number, 1)
        return handle.get_workflow_id()

    submitting.serve(options, enqueue, lambda task: reader.execute(FINISHED, (task,)).fetchone() is not None)


if __name__ == "__main__":
    main()
