"""Which peers are measured, each in a few settings: how its two worker processes start and where results appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

RESULTS_OF_DBOS = "SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'"
RESULTS_OF_CELERY = "SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'"
RESULTS_OF_DJANGO_Q = "SELECT count(*) FROM django_q_task"

DBOS_PREPARE = ("-m", "bench.peers.on_dbos", "prepare")
DBOS_WORKER = ("-m", "bench.peers.on_dbos", "worker")
CELERY_WORKER = ("-m", "celery", "-A", "bench.peers.on_celery", "worker", "--loglevel", "ERROR")
CELERY_PREFORK = ("--pool", "prefork", "--concurrency", "2")
CELERY_SINGLE = ("--pool", "prefork", "--concurrency", "1")
CELERY_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
DJANGO_Q_CLUSTER = ("-m", "django", "qcluster")
DJANGO_Q_MIGRATE = ("-m", "django", "migrate", "--verbosity", "0")


@dataclass(frozen=True)
class Variant:
    """A peer in one setting. `workers` are command lines of Python, `results` counts what is durable."""

    peer: str
    setting: str
    module: str
    database: str
    results: str
    workers: Sequence[Sequence[str]]
    variables: dict[str, str] = field(default_factory=dict)
    prepare: Sequence[str] = ()
    needs_redis: bool = False

    @property
    def what(self) -> str:
        return f"{self.peer}, {self.setting}"


def dbos(setting: str, **variables: str) -> Variant:
    return Variant(
        "DBOS",
        setting,
        "bench.peers.on_dbos",
        "bench_dbos",
        RESULTS_OF_DBOS,
        [DBOS_WORKER] * 2,
        dict(variables),
        DBOS_PREPARE,
    )


def celery(setting: str, options: Sequence[str], workers: int = 1, **variables: str) -> Variant:
    return Variant(
        "Celery",
        setting,
        "bench.peers.on_celery",
        "bench_celery",
        RESULTS_OF_CELERY,
        [(*CELERY_WORKER, *options, "--hostname", f"{number}@bench") for number in range(workers)],
        dict(variables),
        needs_redis=True,
    )


def django_q(setting: str, clusters: int, *, redis: bool = False, **variables: str) -> Variant:
    return Variant(
        "django-q2",
        setting,
        "bench.peers.on_django_q",
        "bench_django_q",
        RESULTS_OF_DJANGO_Q,
        [DJANGO_Q_CLUSTER] * clusters,
        {"DJANGO_SETTINGS_MODULE": "bench.peers.on_django_q", "BENCH_WORKERS": str(2 // clusters), **variables},
        DJANGO_Q_MIGRATE,
        needs_redis=redis,
    )


DBOS_AS_IT_COMES = dbos("as it comes (poll 1 s)")
VARIANTS = (
    DBOS_AS_IT_COMES,
    dbos("poll 0.1 s", BENCH_DBOS_POLL="0.1"),
    dbos("poll 0.05 s", BENCH_DBOS_POLL="0.05"),
    dbos("poll 0.02 s, 100 at once per worker", BENCH_DBOS_POLL="0.02", BENCH_DBOS_CONCURRENCY="100"),
    celery("prefork 2, as it comes", CELERY_PREFORK),
    celery("prefork 2, prefetch 64, no events, no pre-ping", (*CELERY_PREFORK, *CELERY_ALONE), BENCH_CELERY="best"),
    celery("two of prefork 1, the same", (*CELERY_SINGLE, *CELERY_ALONE), 2, BENCH_CELERY="best"),
    django_q("ORM broker, one cluster of 2 workers", 1),
    django_q("ORM broker, two clusters of 1 worker, poll 0.01 s", 2, BENCH_POLL="0.01"),
    django_q("Redis, one cluster of 2 workers", 1, redis=True),
    django_q("Redis, two clusters of 1 worker", 2, redis=True),
)
