"""Executions that wait: many at once, and one organization's behind another's."""

from __future__ import annotations

from bench import clients
from bench.background.submitters import FINISHED, ONE_SECOND, Singles, counting, recorded, submitter
from bench.background.throughput import require_success
from bench.clients import BenchFailed, Clients
from bench.stack import ORGANIZATION, Stack

WAITING = "SELECT count(*) FROM dispatch_dispatch WHERE status = 'Queued'"
BEHIND, SINGLES, PAUSE_SECONDS = 5_000, 20, 0.2
OTHER = "acme"


def at_once(stack: Stack, count: int, processes: int) -> tuple[float, float]:
    """Seconds from the first to the last end, and from the first submit to the last end, of that many that each await
    one second."""
    each = count // processes
    mark = stack.value("SELECT clock_timestamp()")
    command = submitter(stack, "submit", each, [ORGANIZATION], "--warm-up", 0, workflow=ONE_SECOND)
    with stack.connection() as connection:
        clients.throughput([command] * processes, stack.environment, each * processes, counting(connection))
        found = connection.execute(
            f"""SELECT extract(epoch FROM max(completed_at) - min(completed_at)),
                extract(epoch FROM max(completed_at) - min(created_at))
            FROM {stack.schema(ORGANIZATION)}.workflows_app_execution WHERE created_at > %s""".encode(),
            (mark,),
        ).fetchone()
    require_success(stack)
    assert found is not None
    return float(found[0]), float(found[1])


def behind_another(stack: Stack, processes: int) -> Singles:
    """Single runs of one organization while thousands of another's wait, all slots taken by runs of a second."""
    single = submitter(stack, "latency", SINGLES, [OTHER], "--pause", PAUSE_SECONDS)
    many = submitter(
        stack, "submit", BEHIND // processes, [ORGANIZATION], "--warm-up", 0, "--threads", 2, workflow=ONE_SECOND
    )
    with Clients([single], stack.environment) as other:
        before = int(stack.value(FINISHED))
        with Clients([many] * processes, stack.environment) as crowd:
            crowd.go()
            crowd.results()
        other.go()
        document = other.results()[0]
        if not stack.value(WAITING):
            raise BenchFailed(f"None of the {BEHIND} waited any more when the single runs had ended.")
    with stack.connection() as connection:
        clients.wait_for_count(counting(connection), before + BEHIND // processes * processes + SINGLES)
    require_success(stack)
    return recorded(stack, document, OTHER)
