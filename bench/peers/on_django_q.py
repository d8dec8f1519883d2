"""The peer django-q2 by itself, with its ORM or Redis broker and its result row: settings, task and submitter."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

URL = os.environ["BENCH_DATABASE_URL"]
FINISHED = "SELECT 1 FROM django_q_task WHERE id = %s"

# --- as a settings module ---------------------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    parts = urlsplit(URL)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.strip("/"),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
        "PORT": parts.port or "",
        "CONN_MAX_AGE": None,
    }


SECRET_KEY = "for the benchmark alone"
INSTALLED_APPS = ["django_q"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": _database()}
USE_TZ = True
_BROKER = {"redis": os.environ["BENCH_REDIS_URL"]} if os.environ.get("BENCH_REDIS_URL") else {"orm": "default"}
Q_CLUSTER = {
    "name": "bench",
    "workers": int(os.environ.get("BENCH_WORKERS", "2")),
    "timeout": 60,
    "retry": 300,
    "queue_limit": 50,
    "bulk": 10,
    "save_limit": 0,
    "poll": float(os.environ.get("BENCH_POLL", "0.2")),
    "scheduler": False,
    "ack_failures": True,
    "log_level": "ERROR",
    **_BROKER,
}


def add(first: int, second: int) -> int:
    return first + second


# --- as a program -----------------------------------------------------------------------------------------------------


def main() -> None:
    import django
    import psycopg

    from bench import submitting

    django.setup()
    from django_q.brokers import get_broker
    from django_q.tasks import async_task

    options = submitting.arguments().parse_args()
    reader = psycopg.connect(URL, autocommit=True)
    broker = get_broker()

    def enqueue(number: int) -> str:
        return str(async_task("bench.peers.on_django_q.add", number, 1, broker=broker))

    submitting.serve(options, enqueue, lambda task: reader.execute(FINISHED, (task,)).fetchone() is not None)


if __name__ == "__main__":
    main()
