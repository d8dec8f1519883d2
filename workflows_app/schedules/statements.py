"""The history of schedules in organizations' schemas: one statement for each, sent by hundreds in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg

from orgs.tenancy import checked_schema_name
from workflows_app.engine import connection

AT_ONCE = 100

Statement = tuple[bytes, Mapping[str, Any]]
Row = tuple[Any, ...]


@lru_cache(maxsize=10_000)
def record(schema: str) -> bytes:
    """Writes what was decided about planned times, unless the history knows a time from `first` on already.

    One row: the times that it knows, how many rows were written, and the schedule's parameters with their sealed form;
    documents as text.
    """
    tenant = checked_schema_name(schema)
    return f"""
WITH known AS (
    SELECT planned_at, outcome, execution FROM {tenant}.workflows_app_schedulerun
    WHERE workflow = %(workflow)s AND planned_at >= %(first)s
),
written AS (
    INSERT INTO {tenant}.workflows_app_schedulerun (id, workflow, planned_at, outcome, reason)
    SELECT uuidv7(), %(workflow)s, run.planned_at, run.outcome, run.reason
    FROM jsonb_to_recordset(%(runs)s::jsonb) AS run(planned_at timestamptz, outcome text, reason text)
    WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (workflow, planned_at) DO NOTHING
    RETURNING planned_at
)
SELECT (SELECT jsonb_agg(to_jsonb(known)) FROM known)::text, (SELECT count(*) FROM written), p."values"::text,
    p.values_sealed
FROM (SELECT) AS one LEFT JOIN {tenant}.workflows_app_scheduleparameters p ON p.workflow = %(workflow)s
""".encode()


@lru_cache(maxsize=10_000)
def settle(schema: str) -> bytes:
    """Writes what came of a start: its execution, or why there is none. One row: whether it was open until now."""
    tenant = checked_schema_name(schema)
    return f"""
WITH settled AS (
    UPDATE {tenant}.workflows_app_schedulerun
    SET outcome = %(outcome)s, reason = %(reason)s, execution = %(execution)s::uuid
    WHERE workflow = %(workflow)s AND planned_at = %(planned_at)s AND outcome = 'started' AND execution IS NULL
    RETURNING id
)
SELECT EXISTS (SELECT FROM settled)
""".encode()


def run_all(statements: Sequence[Statement]) -> list[Row | psycopg.Error]:
    """The row of each statement. Where one fails, its place holds the error and the others are done all the same.

    Raises DatabaseAway; what was committed by then may be repeated.
    """
    rows: list[Row | psycopg.Error] = []
    for first in range(0, len(statements), AT_ONCE):
        rows += _together(statements[first : first + AT_ONCE])
    return rows


def _together(statements: Sequence[Statement]) -> list[Row | psycopg.Error]:
    try:
        return [rows[0] for rows in connection.execute_together(statements)]
    except psycopg.Error as error:
        if len(statements) == 1:
            return [error]
    return [row for statement in statements for row in _together([statement])]
