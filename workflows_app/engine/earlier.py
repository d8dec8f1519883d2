"""The journal of an execution that runs again, as its history."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from integrations.sealing import unseal
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.engine.history import History, Line, history_of

# What the code only says is not told again, only known to be there.
_LINES = """
SELECT execution_id, seq, kind, name, path, number,
    CASE WHEN kind IN ('log', 'variable', 'integration_call', 'secret', 'connection', 'saga') THEN NULL ELSE data END,
    exact
FROM workflows_app_executionevent
WHERE execution_id = ANY(%s::uuid[]) AND kind NOT IN ('error', 'recovery', 'progress')
ORDER BY execution_id, seq
"""
Row = tuple[Any, ...]


def journals(organization: OrganizationRecord, executions: Sequence[UUID]) -> dict[UUID, list[Row]]:
    """What these journals hold that replay needs, in one query."""
    found: dict[UUID, list[Row]] = defaultdict(list)
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(_LINES, [list(executions)])
        for execution, *row in cursor:
            found[execution].append(tuple(row))
    return found


def recalled(organization: OrganizationRecord, rows: Sequence[Row], attempt: int) -> History:
    """The history for this attempt. Raises VaultUnavailable where a value is encrypted and cannot be had now."""
    return history_of((_line(organization, row) for row in rows), attempt)


def _line(organization: OrganizationRecord, row: Row) -> Line:
    seq, kind, name, path, number, data, exact = row
    value = None if data is None else json.loads(data)
    if exact is not None and value is not None:
        value = {**value, "value": unseal(organization, exact)}
    return Line(seq, kind, name, path, number, value)
