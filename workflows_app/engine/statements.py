"""The engine's SQL: the hot writes, each one statement and so one commit, each carrying the fence.

Schema-qualified and prepared, on the thread's own psycopg connection; everything else in Bifrost is ORM. The fence is
the share lock on the writer's `Worker` row: once the sweep has deleted that row, every statement here finds nothing
and writes nothing (engine.md, section 4).
"""

from __future__ import annotations

import re
from functools import lru_cache

SCHEMA_NAME = re.compile(r"org_[a-z0-9_]{1,40}")

_EVENT_COLUMNS = "(execution_id, seq, at, kind, name, path, number, data)"
_EVENT_ROWS = """
    jsonb_to_recordset(%(events)s::jsonb)
    AS row(seq int, at timestamptz, kind text, name text, path text, number int, data jsonb)"""
_FENCE = "fence AS (SELECT id FROM public.dispatch_worker WHERE id = %(worker)s::uuid FOR KEY SHARE)"


def _qualified(schema: str) -> str:
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is not an organization's schema.")
    return schema


@lru_cache(maxsize=10_000)
def start(schema: str) -> bytes:
    """Creates an execution that this process owns and runs: the record, its first event, its place in the run queue.

    One row: whether the fence holds, the organization's status, its and the MSP's config versions, and whether the
    execution was created, now or by an earlier sending of the same statement (no: the idempotency key is taken).
    """
    tenant = _qualified(schema)
    return f"""
WITH {_FENCE},
organization AS (
    SELECT CASE WHEN ready THEN status ELSE 'preparing' END AS status, config_version
    FROM public.orgs_organization WHERE id = %(organization)s::uuid
),
execution AS (
    INSERT INTO {tenant}.workflows_app_execution (
        id, workflow, status, input, input_sealed, trigger, executed_by, actor, idempotency_key, idempotency_digest,
        code_version, parent, depth, attempt, created_at, started_at)
    SELECT %(id)s::uuid, %(workflow)s, 'Running', %(input)s::jsonb, %(input_sealed)s::bytea, %(trigger)s::jsonb,
        %(executed_by)s::jsonb, %(actor)s, %(idempotency_key)s, %(idempotency_digest)s,
        %(code_version)s, %(parent)s::uuid, %(depth)s::smallint, 1, now(), now()
    FROM fence, organization WHERE organization.status = 'active'
    ON CONFLICT DO NOTHING
    RETURNING id
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EVENT_COLUMNS}
    SELECT id, 1, now(), 'status', 'Running', '', 0, %(started)s::jsonb FROM execution
),
dispatch AS (
    INSERT INTO public.dispatch_dispatch (
        execution, organization, workflow, status, priority, run_at, worker, epoch, inbox)
    SELECT id, %(organization)s::uuid, %(workflow)s, 'Running', %(priority)s::smallint, now(), %(worker)s::uuid, 1, 0
    FROM execution
)
SELECT EXISTS (SELECT FROM fence), (SELECT status FROM organization), (SELECT config_version FROM organization),
    (SELECT config_version FROM public.orgs_organization WHERE is_msp),
    EXISTS (SELECT FROM execution) OR EXISTS (SELECT FROM {tenant}.workflows_app_execution WHERE id = %(id)s::uuid)
""".encode()


@lru_cache(maxsize=10_000)
def append(schema: str) -> bytes:
    """Adds events to a running execution's journal. One row: whether the fence holds."""
    tenant = _qualified(schema)
    return f"""
WITH {_FENCE},
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EVENT_COLUMNS}
    SELECT %(id)s::uuid, row.* FROM fence, {_EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
)
SELECT EXISTS (SELECT FROM fence)
""".encode()


@lru_cache(maxsize=10_000)
def end(schema: str) -> bytes:
    """Ends a running execution: status, result or error, last events, and the move from `Dispatch` to `Fleet`.

    One row: whether the fence holds and whether this call ended it. Repeating it changes nothing.
    """
    return _end(schema, _FENCE, "e.status = 'Running'")


@lru_cache(maxsize=10_000)
def end_lost(schema: str) -> bytes:
    """Ends an execution whose worker was fenced, in the name of the sweep that took its `Dispatch` row.

    The fence is the row itself, still held by nobody: `worker` names a process that has no `Worker` row.
    """
    held = """fence AS (
    SELECT d.execution AS id FROM public.dispatch_dispatch d
    WHERE d.execution = %(id)s::uuid AND d.status = 'Running'
      AND NOT EXISTS (SELECT FROM public.dispatch_worker w WHERE w.id = d.worker)
    FOR UPDATE OF d SKIP LOCKED)"""
    return _end(schema, held, "e.status = 'Running'")


def _end(schema: str, fence: str, condition: str) -> bytes:
    tenant = _qualified(schema)
    return f"""
WITH {fence},
ended AS (
    UPDATE {tenant}.workflows_app_execution e SET status = %(status)s, result = %(result)s::jsonb,
        result_sealed = %(result_sealed)s::bytea, error = %(error)s::jsonb, variables = %(variables)s::jsonb,
        progress = coalesce(%(progress)s::float8, e.progress), completed_at = now(),
        duration_ms = coalesce(%(duration_ms)s::bigint, (extract(epoch FROM now() - e.started_at) * 1000)::bigint)
    FROM fence WHERE e.id = %(id)s::uuid AND {condition}
    RETURNING e.id, e.workflow, e.duration_ms
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EVENT_COLUMNS}
    SELECT %(id)s::uuid, row.* FROM ended, {_EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
dispatch AS (
    DELETE FROM public.dispatch_dispatch d USING ended WHERE d.execution = ended.id
),
fleet AS (
    INSERT INTO public.dispatch_fleet (execution, organization, workflow, status, finished_at, duration_ms)
    SELECT id, %(organization)s::uuid, workflow, %(status)s, now(), duration_ms FROM ended
    ON CONFLICT (execution) DO NOTHING
)
SELECT EXISTS (SELECT FROM fence), EXISTS (SELECT FROM ended)
""".encode()
