"""The processes that submit to Bifrost (`bench/submit.py`), and where their executions end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench import clients
from bench.stack import ORGANIZATION, Stack

TRIVIAL = "background"
ONE_SECOND = "one_second"
FINISHED = "SELECT count(*) FROM dispatch_fleet"


@dataclass(frozen=True)
class Singles:
    """Milliseconds of executions that were submitted one after another: until a waiting reader saw the end, from
    created to completed and from created to started by the database's clock."""

    seen: list[float]
    recorded: list[float]
    waited: list[float]


def submitter(
    stack: Stack, mode: str, count: int, organizations: Sequence[str], *arguments: object, workflow: str = TRIVIAL
) -> list[str]:
    """The command line of a process that submits for these organizations in turn."""
    chosen = [part for name in organizations for part in ("--organization", name)]
    return stack.python("submit", mode, count, "--workflow", workflow, *chosen, *arguments)


def counting(connection: Any) -> Callable[[], int]:
    """A function that counts the finished executions."""
    return lambda: int(connection.execute(FINISHED).fetchone()[0])


def singles(stack: Stack, count: int, pause: float, organization: str = ORGANIZATION) -> Singles:
    """One after another on an otherwise idle system."""
    command = submitter(stack, "latency", count, [organization], "--pause", pause)
    return recorded(stack, clients.latencies(command, stack.environment), organization)


def recorded(stack: Stack, document: dict[str, Any], organization: str) -> Singles:
    """What the records of the executions say, beside what their submitter saw."""
    query = f"""
        SELECT extract(epoch FROM completed_at - created_at) * 1000, extract(epoch FROM started_at - created_at) * 1000
        FROM {stack.schema(organization)}.workflows_app_execution WHERE id = ANY(%s::uuid[])"""
    with stack.connection() as connection:
        rows = connection.execute(query.encode(), (document["ids"],)).fetchall()
    return Singles(document["seen"], [float(row[0]) for row in rows], [float(row[1]) for row in rows])
