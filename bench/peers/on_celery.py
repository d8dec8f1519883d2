"""The peer Celery: Redis carries the tasks, PostgreSQL keeps the results. Run by `celery -A`, or to submit."""

from __future__ import annotations

import os

import psycopg
from celery import Celery

from bench import submitting

URL = os.environ["BENCH_DATABASE_URL"]
FINISHED = "SELECT 1 FROM celery_taskmeta WHERE task_id = %s AND status = 'SUCCESS'"
BEST = {
    "worker_prefetch_multiplier": 64,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "task_send_sent_event": False,
    "task_publish_retry": False,
    "database_engine_options": {"pool_pre_ping": False},
}

app = Celery(
    "bench",
    broker=os.environ["BENCH_REDIS_URL"],
    backend=f"db+{URL.replace('postgresql://', 'postgresql+psycopg://')}",
)
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_expires=None,
    **(BEST if os.environ.get("BENCH_CELERY") == "best" else {}),
)


@app.task(name="add")
def add(first: int, second: int) -> int:
    return first + second


def main() -> None:
    options = submitting.arguments().parse_args()
    reader = psycopg.connect(URL, autocommit=True)

    def enqueue(number: int) -> str:
        return str(add.delay(number, 1).id)

    submitting.serve(options, enqueue, lambda task: reader.execute(FINISHED, (task,)).fetchone() is not None)


if __name__ == "__main__":
    main()
