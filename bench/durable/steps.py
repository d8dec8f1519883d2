"""Steps with a trivial body, one after another in each execution: Bifrost's and those of DBOS.

Each workflow says itself when its first step began and its last had its result, so that neither a queue nor a poll
counts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import clients
from bench.background.submitters import counting, submitter
from bench.background.throughput import require_success
from bench.peers.running import peer
from bench.peers.variants import Variant
from bench.stack import ORGANIZATION, Stack

WORKFLOW = "steps"
WARM_UP_STEPS = 50


@dataclass(frozen=True)
class Stepped:
    """`commits`: how many wrote the results of the steps; None where that cannot be told."""

    steps: int
    seconds: float
    commits: int | None = None

    @property
    def per_second(self) -> float:
        return self.steps / self.seconds


def ours(stack: Stack, steps: int, executions: int) -> Stepped:
    """So many executions with so many steps each, at the same time, while the workers run."""
    _run(stack, WARM_UP_STEPS, executions)
    mark = stack.value("SELECT clock_timestamp()")
    _run(stack, steps, executions)
    schema = stack.schema(ORGANIZATION)
    with stack.connection() as connection:
        times = connection.execute(
            f"SELECT result FROM {schema}.workflows_app_execution WHERE workflow = %s AND created_at > %s".encode(),
            (WORKFLOW, mark),
        ).fetchall()
    # The transaction that wrote a row is in the row: lines with the same one were committed together.
    commits = (
        f"SELECT count(DISTINCT xmin::text) FROM {schema}.workflows_app_executionevent WHERE kind = 'step' AND at > %s"
    )
    return Stepped(steps * executions, _length([row[0] for row in times]), int(stack.value(commits, mark)))


def theirs(variant: Variant, python: Path, stack: Stack, steps: int, executions: int) -> Stepped:
    """The same by a peer whose module has the mode `steps`."""
    with peer(variant, python, stack.database_url, None) as running:
        running.steps(WARM_UP_STEPS, executions)
        return Stepped(steps * executions, _length(running.steps(steps, executions)))


def _run(stack: Stack, steps: int, executions: int) -> None:
    parameters = json.dumps({"count": steps})
    command = submitter(
        stack, "submit", executions, [ORGANIZATION], "--warm-up", 0, "--parameters", parameters, workflow=WORKFLOW
    )
    with stack.connection() as connection:
        clients.throughput([command], stack.environment, executions, counting(connection))
    require_success(stack)


def _length(times: Sequence[Sequence[float]]) -> float:
    """From the first beginning to the last end."""
    return max(ended for _, ended in times) - min(began for began, _ in times)
