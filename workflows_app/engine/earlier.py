"""What the journal of an execution that runs again already holds, so that nothing is logged twice."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.engine.run import Stretch

# Lines of this attempt: those behind its first beginning.
_LINES = """
SELECT e.execution_id, e.path, e.kind, e.number
FROM unnest(%s::uuid[], %s::int[]) AS wanted(id, attempt)
CROSS JOIN LATERAL (
    SELECT min(seq) AS seq FROM workflows_app_executionevent
    WHERE execution_id = wanted.id AND kind = 'status' AND name = 'Running'
      AND (data ->> 'attempt')::int = wanted.attempt) began
JOIN workflows_app_executionevent e
  ON e.execution_id = wanted.id AND e.seq > began.seq AND e.kind IN ('log', 'checkpoint')
"""
_CHECKPOINTS = """
SELECT DISTINCT ON (execution_id, name) execution_id, name, data FROM workflows_app_executionevent
WHERE execution_id = ANY(%s::uuid[]) AND kind = 'checkpoint' ORDER BY execution_id, name, seq DESC
"""


def recalled(
    organization: OrganizationRecord, attempts: Mapping[UUID, int], stretches: Mapping[UUID, Stretch]
) -> dict[UUID, Stretch]:
    """The stretches of these executions with the lines of their attempt that are journaled, and the last checkpoints
    of any attempt. Two queries."""
    recorded: dict[UUID, set[tuple[str, str, int]]] = defaultdict(set)
    checkpoints: dict[UUID, dict[str, Any]] = defaultdict(dict)
    ids = list(attempts)
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(_LINES, [ids, list(attempts.values())])
        for id_, path, kind, number in cursor.fetchall():
            recorded[id_].add((path, kind, number))
        cursor.execute(_CHECKPOINTS, [ids])
        for id_, name, data in cursor.fetchall():
            checkpoints[id_][name] = json.loads(data)
    return {
        id_: replace(stretches[id_], recorded=frozenset(recorded[id_]), checkpoints=checkpoints[id_]) for id_ in ids
    }
