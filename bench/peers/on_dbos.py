"""The peer DBOS Transact: `prepare` makes its tables, `worker` runs workflows, the rest is its client."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time

import psycopg
from dbos import DBOS, DBOSClient, DBOSConfig

from bench import submitting

URL = os.environ["BENCH_DATABASE_URL"]
QUEUE = "bench"
FINISHED = "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = %s AND status = 'SUCCESS'"


@DBOS.workflow()
def add(first: int, second: int) -> int:
    return first + second


@DBOS.step()
def trivial_step(number: int) -> int:
    return number


@DBOS.workflow()
def steps(count: int) -> list[float]:
    began = time.time()
    for number in range(count):
        trivial_step(number)
    return [began, time.time()]


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


def time_steps(client: DBOSClient) -> None:
    """Prints when the steps of each workflow began and ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("executions", type=int)
    parser.add_argument("--steps", type=int, required=True)
    options = parser.parse_args(sys.argv[2:])
    queued = {"queue_name": QUEUE, "workflow_name": steps.__qualname__}
    handles = [client.enqueue(queued, options.steps) for _ in range(options.executions)]
    print(json.dumps([handle.get_result() for handle in handles]), flush=True)
    os._exit(0)


def main() -> None:
    if sys.argv[1] == "worker":
        return work()
    if sys.argv[1] == "prepare":
        launch()
        os._exit(0)
    if sys.argv[1] == "steps":
        return time_steps(DBOSClient(system_database_url=URL))
    options = submitting.arguments().parse_args()
    client = DBOSClient(system_database_url=URL, system_database_pool_size=options.threads)
    reader = psycopg.connect(URL, autocommit=True)

    def enqueue(number: int) -> str:
        handle = client.enqueue({"queue_name": QUEUE, "workflow_name": add.__qualname__}, number, 1)
        return handle.get_workflow_id()

    submitting.serve(options, enqueue, lambda task: reader.execute(FINISHED, (task,)).fetchone() is not None)


if __name__ == "__main__":
    main()
