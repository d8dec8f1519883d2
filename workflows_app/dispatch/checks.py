"""System checks: settings of django-q2 that lose, repeat or hang work stop every command of the workers.

The numbers in brackets are those of the traps of django-q2 that each closes (Q12, Q13, Q15 and Q17 are habits, not
settings; Q3, Q6, Q7, Q8, Q10, Q19 and Q20 are closed by code, with tests).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from math import ceil
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from workflows_app.dispatch.queue import ENGINE, TASKS, admin_models

Apps = Sequence[AppConfig] | None

BACKGROUND = "background"
TESTED_VERSION = "1.11.1"
# What one process opens at most. Engine: database threads, journal, claims, housekeeping, notifier, and what plain
# workflows may open.
ENGINE_CONNECTIONS = 4 + 1 + 1 + 1 + 1 + 8
WEB_CONNECTIONS = ENGINE_CONNECTIONS + 2  # health
WORKER_CONNECTIONS = ENGINE_CONNECTIONS + 2  # the task in the main thread, the host
# Both clusters' pushers, monitors and sentinels, and the worker of ordinary tasks.
CLUSTERS_CONNECTIONS = 7
SPARE_CONNECTIONS = 5  # commands


@register(BACKGROUND)
def check_queue(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return list(queue_problems())


def queue_problems() -> Iterator[CheckMessage]:
    base = settings.Q_CLUSTER
    alternatives = base.get("ALT_CLUSTERS")
    if not isinstance(alternatives, dict) or TASKS not in alternatives:
        yield Error(f"[Q9] Q_CLUSTER needs ALT_CLUSTERS with the cluster {TASKS!r}.", id="dispatch.E009")
        alternatives = {}
    if base.get("cluster_name") != ENGINE or any({"name", "cluster_name"} & set(it) for it in alternatives.values()):
        yield Error(
            "[Q9] `name` signs all messages: it is set once, and no ALT_CLUSTERS has one of its own.",
            id="dispatch.E009",
        )
    if "django_q" in settings.TENANT_APPS:
        yield Error("[Q16] django_q belongs to SHARED_APPS alone: nobody polls other queues.", id="dispatch.E016")
    if not settings.DATABASES["default"].get("CONN_MAX_AGE"):
        yield Error("[Q18] CONN_MAX_AGE 0 makes five database sessions for each message.", id="dispatch.E018")
    if version("django-q2") != TESTED_VERSION:
        yield Error(f"django-q2 {TESTED_VERSION} is needed: its task queue is replaced by ours.", id="dispatch.E006")
    for name, cluster in {ENGINE: base, **{name: {**base, **it} for name, it in alternatives.items()}}.items():
        yield from cluster_problems(name, cluster)
    if shown := admin_models():
        yield Error(f"[Q11] The admin offers django-q2's {', '.join(shown)}.", id="dispatch.E011")


def cluster_problems(name: str, cluster: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """What one cluster's settings, the common ones included, must not be."""
    if (cluster.get("queue_limit"), cluster.get("bulk")) != (1, 1):
        yield _error("Q1", name, "queue_limit and bulk must be 1, or tasks wait in memory while their lock runs out.")
    workers, timeout = max(1, cluster.get("workers") or 1), cluster.get("timeout") or 0
    least = (1 + ceil(2 / workers)) * timeout + 60
    if not timeout or cluster.get("retry", 0) < least:
        yield _error("Q1", name, f"retry must be at least {least} s with this timeout, or tasks run twice.")
    if not cluster.get("ack_failures") or cluster.get("max_attempts") != 1:
        yield _error("Q2", name, "ack_failures must be on and max_attempts 1, or a failing task runs for ever.")
    if cluster.get("catch_up", True) or cluster.get("scheduler", True) != (name == TASKS):
        yield _error("Q5", name, f"catch_up must be off, and scheduler on for {TASKS!r} alone.")
    if cluster.get("save_limit", 250) >= 0:
        yield _error("Q11", name, "save_limit must be -1: results are kept with executions.")
    if cluster.get("orm") != "default":
        yield _error("Q14", name, 'orm must be "default", or its schedules break.')
    if cluster.get("recycle", 500) or cluster.get("max_rss"):
        yield _error("Q13", name, "recycle must be 0 and max_rss off: they end an engine with its executions.")
    if cluster.get("sync"):
        yield _error("Q15", name, "sync runs tasks inside their caller's transaction.")


def _error(trap: str, cluster: str, what: str) -> Error:
    return Error(f"[{trap}] Q_CLUSTER, cluster {cluster!r}: {what}", id=f"dispatch.E0{trap[1:]:0>2}")


@register(Tags.database)
def check_connections(app_configs: Apps, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """All connections that one machine's processes may open, against what the database admits."""
    if "default" not in (databases or ()):
        return []
    wanted, admitted = most_connections(), _admitted_connections()
    if wanted <= admitted:
        return []
    what = f"Web and worker processes may open {wanted} database connections; the database admits {admitted}."
    hint = "Raise max_connections, or lower BIFROST_WEB_THREADS or BIFROST_WORKERS. More machines need more."
    return [Warning(what, hint=hint, id="dispatch.W001")]


def most_connections() -> int:
    """What one web process and one `manage.py workers` may open together."""
    web = settings.WEB_THREADS + WEB_CONNECTIONS
    return int(web + settings.WORKERS * WORKER_CONNECTIONS + CLUSTERS_CONNECTIONS + SPARE_CONNECTIONS)


def _admitted_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        )
        return int(cursor.fetchone()[0])
