"""What an execution that is started again by a person takes over from the old one (engine.md, section 8).

The old one's lines are copied into the new one's journal in the transaction that creates it, so that its replay needs
no other journal. There they are reused by identity, as those of an earlier attempt are: another name, place or argument
is done anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.engine.history import OPERATIONS, STOP, TAKEN_OVER, VALUES, Line
from workflows_app.engine.recorded import operations_of

# Enough to choose by: what came of them may be large.
_OUTLINES = """
SELECT execution_id, seq, kind, name, path, number,
    coalesce(data ->> 'state', data ->> 'status'), data -> 'attempt', (data ->> 'timedOut')::bool, data ? %s
FROM workflows_app_executionevent
WHERE execution_id = ANY(%s::uuid[]) AND (kind = ANY(%s) OR kind = 'status' AND name = 'Running')
ORDER BY execution_id, seq
"""


# What the lines of a saga say once it has begun to undo what it had done.
UNDOING = frozenset({"Compensated", "CompensationFailed"})


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Lines of the journal of `source`, by their numbers."""

    source: UUID
    lines: tuple[int, ...]


def outlines(organization: OrganizationRecord, executions: Sequence[UUID]) -> dict[UUID, list[Line]]:
    """The lines of these journals that may be taken over, without what came of them. One query."""
    found: dict[UUID, list[Line]] = defaultdict(list)
    kinds = [*OPERATIONS, *VALUES, STOP, "saga"]
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(_OUTLINES, [TAKEN_OVER, list(executions), kinds])
        for execution, seq, kind, name, path, number, *facts in cursor:
            found[execution].append(Line(seq, kind, name, path, number, _data(*facts)))
    return found


def _data(state: str | None, attempt: str | None, timed_out: bool | None, taken_over: bool | None) -> dict[str, Any]:
    data: dict[str, Any] = {"state": state, "timedOut": timed_out}
    data |= {"attempt": int(attempt)} if attempt is not None else {}
    data |= {TAKEN_OVER: True} if taken_over else {}
    return data


def successes(source: UUID, lines: Sequence[Line]) -> TakeOver:
    """What the execution did well, and what it was told before that: the last outcome of each operation.

    A wait whose time ran out is none. Configs are asked for anew, since changing one may be why it is tried again.
    Where the execution began to undo what it had done, there is nothing to take over.
    """
    if any(line.kind == STOP or (line.kind == "saga" and line.data["state"] in UNDOING) for line in lines):
        return TakeOver(source, ())
    done: dict[Any, int] = {}
    for operation in operations_of(lines):
        if operation.outcome is not None and operation.state == "done" and not operation.timed_out:
            done[operation.key] = operation.outcome.seq
    last = max(done.values(), default=0)
    told = [line.seq for line in lines if line.kind == "value" and line.seq < last]
    return TakeOver(source, tuple(sorted([*told, *done.values()])))


def outcomes_before(source: UUID, lines: Sequence[Line], number: int) -> TakeOver | None:
    """What came of the operations before this one, failures too, and all that the code was told before it. None where
    there is no such operation.

    An operation that appears again later, since another attempt did it anew, is done anew.
    """
    operations = operations_of(lines)
    if not 1 <= number <= len(operations):
        return None
    last = {operation.key: operation.number for operation in operations}
    before = [each for each in operations if each.number < number and last[each.key] == each.number]
    taken = [each.outcome.seq for each in before if each.outcome is not None]
    bound = operations[number - 1].lines[0].seq
    told = [line.seq for line in lines if line.kind in VALUES and line.seq < bound]
    return TakeOver(source, tuple(sorted([*told, *taken])))
