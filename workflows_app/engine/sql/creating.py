"""Statements that create executions: owned at once, or waiting in the run queue."""

from __future__ import annotations

from functools import lru_cache

from workflows_app.engine.history import TAKEN_OVER
from workflows_app.engine.sql.parts import (
    EVENT_COLUMNS,
    EXACT_COLUMNS,
    FENCE,
    LANE,
    qualified,
)


@lru_cache(maxsize=10_000)
def start(schema: str) -> bytes:
    """Creates an execution that this process owns and runs: the record, its first event, its place in the run queue.

    One row: whether the fence holds, the organization's status, its and the MSP's config versions, and whether the
    execution was created, now or by an earlier sending of the same statement (no: the idempotency key is taken).
    """
    tenant = qualified(schema)
    return f"""
WITH {FENCE},
organization AS (
    SELECT CASE WHEN ready THEN status ELSE 'preparing' END AS status, config_version
    FROM public.orgs_organization WHERE id = %(organization)s::uuid
),
execution AS (
    INSERT INTO {tenant}.workflows_app_execution (
        id, workflow, status, input, input_sealed, trigger, executed_by, actor, idempotency_key, idempotency_digest,
        code_version, parent, depth, attempt, resumable, retry_of, created_at, started_at)
    SELECT %(id)s::uuid, %(workflow)s, 'Running', %(input)s::jsonb, %(input_sealed)s::bytea, %(trigger)s::jsonb,
        %(executed_by)s::jsonb, %(actor)s, %(idempotency_key)s, %(idempotency_digest)s,
        %(code_version)s, %(parent)s::uuid, %(depth)s::smallint, 1, %(resumable)s, %(retry_of)s::uuid, now(), now()
    FROM fence, organization WHERE organization.status = 'active'
    ON CONFLICT DO NOTHING
    RETURNING id
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {EVENT_COLUMNS}
    SELECT id, 1, now(), 'status', 'Running', '', 0, %(started)s::jsonb FROM execution
),
dispatch AS (
    INSERT INTO public.dispatch_dispatch (
        execution, organization, workflow, status, priority, run_at, worker, epoch, inbox, closes_with)
    SELECT id, %(organization)s::uuid, %(workflow)s, 'Running', %(priority)s::smallint, now(), %(worker)s::uuid, 1, 0,
        %(closes_with)s::uuid
    FROM execution
)
SELECT EXISTS (SELECT FROM fence), (SELECT status FROM organization), (SELECT config_version FROM organization),
    (SELECT config_version FROM public.orgs_organization WHERE is_msp),
    EXISTS (SELECT FROM execution) OR EXISTS (SELECT FROM {tenant}.workflows_app_execution WHERE id = %(id)s::uuid)
""".encode()


# What `orgs.audit.record` would write, as part of the statement.
_AUDIT = """
audit AS (
    INSERT INTO public.orgs_auditevent (
        id, at, organization, actor_kind, actor_id, actor_email, actor_name, operation, object_kind, object_id,
        metadata, execution)
    SELECT %(audit)s::uuid, now(), %(organization)s::uuid, executed_by->>'kind', executed_by->>'id',
        executed_by->>'email', left(executed_by->>'name', 200), %(audited)s, 'execution', %(again_of)s::uuid::text,
        jsonb_build_object('workflow', %(workflow)s::text, 'startedAs', execution.id), execution.id
    FROM execution, (SELECT %(executed_by)s::jsonb AS executed_by) AS person
),"""


@lru_cache(maxsize=10_000)
def queue(schema: str, again: bool = False) -> bytes:
    """Creates an execution that waits, for a worker or for an approval. No fence: nobody owns it. `again`: a person
    starts an old one once more, which is in the audit log afterwards.

    One row: the organization's status, and whether the execution was created, now or by an earlier sending of the
    same statement (no: the idempotency key is taken).
    """
    tenant = qualified(schema)
    return f"""
WITH organization AS (
    SELECT CASE WHEN ready THEN status ELSE 'preparing' END AS status
    FROM public.orgs_organization WHERE id = %(organization)s::uuid
),
execution AS (
    INSERT INTO {tenant}.workflows_app_execution (
        id, workflow, status, input, input_sealed, trigger, executed_by, actor, idempotency_key, idempotency_digest,
        code_version, parent, depth, attempt, resumable, retry_of, created_at)
    SELECT %(id)s::uuid, %(workflow)s, %(status)s, %(input)s::jsonb, %(input_sealed)s::bytea, %(trigger)s::jsonb,
        %(executed_by)s::jsonb, %(actor)s, %(idempotency_key)s, %(idempotency_digest)s,
        %(code_version)s, %(parent)s::uuid, %(depth)s::smallint, 1, %(resumable)s, %(retry_of)s::uuid, now()
    FROM organization WHERE organization.status = 'active'
    ON CONFLICT DO NOTHING
    RETURNING id
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {EVENT_COLUMNS}
    SELECT id, 1, now(), 'status', %(status)s, '', 0, NULL FROM execution
),
approval AS (
    INSERT INTO {tenant}.workflows_app_approval (
        id, execution_id, workflow, title, state, requested_by, requester, permission, created_at, expires_at, comment)
    SELECT %(approval)s::uuid, id, %(workflow)s, %(title)s, 'pending', %(executed_by)s::jsonb, %(actor)s,
        %(permission)s, now(), now() + %(approval_seconds)s * interval '1 second', ''
    FROM execution WHERE %(status)s = 'PendingApproval'
    RETURNING id, execution_id
),
asked AS (
    INSERT INTO public.dispatch_tiding (id, organization, kind, item, execution)
    SELECT uuidv7(), %(organization)s::uuid, 'approval', id, execution_id FROM approval
),{_AUDIT if again else ""}
dispatch AS (
    INSERT INTO public.dispatch_dispatch (
        execution, organization, workflow, status, priority, lane, run_at, queued_at, epoch, inbox, code_version,
        closes_with)
    SELECT id, %(organization)s::uuid, %(workflow)s, %(status)s, %(priority)s::smallint, {LANE},
        CASE WHEN %(status)s = 'Queued' THEN now() ELSE now() + %(approval_seconds)s * interval '1 second' END,
        now(), 0, 0, %(code_version)s, %(closes_with)s::uuid
    FROM execution
)
SELECT (SELECT status FROM organization),
    EXISTS (SELECT FROM execution) OR EXISTS (SELECT FROM {tenant}.workflows_app_execution WHERE id = %(id)s::uuid)
""".encode()


@lru_cache(maxsize=10_000)
def take_over(schema: str) -> bytes:
    """Copies lines of the journal of `source`, by their numbers, behind the first line of an execution that was just
    created: in the transaction of `queue`. Entries of the inbox were the other one's. One row: how many there were.
    """
    tenant = qualified(schema)
    return f"""
WITH sent AS MATERIALIZED (
    -- What a wait was sent is kept exactly where it came in.
    SELECT number, exact FROM {tenant}.workflows_app_executionevent
    WHERE execution_id = %(source)s::uuid AND kind = 'inbox' AND exact IS NOT NULL
),
copied AS (
    INSERT INTO {tenant}.workflows_app_executionevent {EXACT_COLUMNS}
    SELECT e.id, row_number() OVER (ORDER BY old.seq) + 1, now(), old.kind, old.name, old.path, old.number,
        (old.data - 'inbox') || jsonb_build_object('{TAKEN_OVER}', %(source)s::text), coalesce(old.exact, sent.exact)
    FROM {tenant}.workflows_app_execution e, {tenant}.workflows_app_executionevent old
    LEFT JOIN sent ON sent.number = (old.data ->> 'inbox')::int
    WHERE e.id = %(id)s::uuid AND old.execution_id = %(source)s::uuid AND old.seq = ANY(%(lines)s::int[])
    ON CONFLICT (execution_id, seq) DO NOTHING
    RETURNING seq
)
SELECT count(*) FROM copied
""".encode()
