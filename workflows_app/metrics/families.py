"""What is counted, under which names and with which labels. The names from the workflow patterns stand as they are.

No label names an organization, an execution or a person: values come from the workspace's code and from this project's.
"""

from __future__ import annotations

from dataclasses import dataclass

# Milliseconds, and statements. Each is the upper end of a bucket; changing them begins a family under another name,
# since what was counted before cannot be told apart.
OF_AN_ATTEMPT = (1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000)
OF_AN_EXECUTION = (5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000)
OF_A_BATCH = (1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Family:
    """A counter, or with `buckets` a histogram. `name` is without the `_total` that counters are shown with."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[int, ...] = ()


EXECUTIONS_ENDED = Family("bifrost_executions_ended", "Executions that have ended.", ("workflow", "status"))
EXECUTION_DURATION = Family(
    "bifrost_execution_duration_ms",
    "Running time of executions that have ended, in milliseconds.",
    ("workflow", "status"),
    OF_AN_EXECUTION,
)
EXECUTIONS_LOST = Family(
    "bifrost_executions_lost",
    "Executions that nobody worked on any more, found by the sweep: queued again, or failed.",
    ("workflow", "outcome"),
)
ACTIVITIES_ENDED = Family("bifrost_activities_ended", "Steps that have ended.", ("activity_type", "outcome"))
ACTIVITY_RETRIES = Family(
    "bifrost_activity_retries", "Attempts of steps that failed and are followed by another.", ("activity_type",)
)
ACTIVITY_DURATION = Family(
    "activity_duration_ms", "Time of one attempt of a step, in milliseconds.", ("activity_type",), OF_AN_ATTEMPT
)
DB_TRANSACTION_DURATION = Family(
    "db_transaction_duration_ms",
    "Time of one database step, in milliseconds.",
    ("operation_count",),
    OF_AN_ATTEMPT,
)
EXTERNAL_API_DURATION = Family(
    "external_api_duration_ms",
    "Time of one attempt of a step behind a circuit breaker, in milliseconds. The status is ok, the service's, timeout,"
    " or error.",
    ("service", "status"),
    OF_AN_ATTEMPT,
)
JOURNAL_BATCH = Family(
    "bifrost_journal_batch_writes",
    "Writes of executions that a process's journal writer committed together.",
    (),
    OF_A_BATCH,
)

FAMILIES = {
    family.name: family
    for family in (
        EXECUTIONS_ENDED,
        EXECUTION_DURATION,
        EXECUTIONS_LOST,
        ACTIVITIES_ENDED,
        ACTIVITY_RETRIES,
        ACTIVITY_DURATION,
        DB_TRANSACTION_DURATION,
        EXTERNAL_API_DURATION,
        JOURNAL_BATCH,
    )
}
