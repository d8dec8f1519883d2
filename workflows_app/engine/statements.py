"""The engine's SQL: the hot writes, each one statement and so one commit, each carrying the fence.

Schema-qualified and prepared, on the thread's own psycopg connection; everything else in Bifrost is ORM. The fence is
the share lock on the writer's `Worker` row: once the sweep has deleted that row, every statement here finds nothing
and writes nothing (engine.md, section 4). What is written about an execution also asks whether it is still this
worker's, by the claim's epoch: one that was given back may run elsewhere already.
"""

from __future__ import annotations

import re
from functools import lru_cache

from workflows_app.engine.history import TAKEN_OVER

SCHEMA_NAME = re.compile(r"org_[a-z0-9_]{1,40}")

_EVENT_COLUMNS = "(execution_id, seq, at, kind, name, path, number, data)"
_EVENT_ROWS = """
    jsonb_to_recordset(%(events)s::jsonb)
    AS row(seq int, at timestamptz, kind text, name text, path text, number int, data jsonb, exact bytea)"""
# PostgreSQL's own infinity is no Python datetime.
_NEVER = "'9999-12-31 00:00+00'::timestamptz"
_EXACT_COLUMNS = "(execution_id, seq, at, kind, name, path, number, data, exact)"
_LANE = """
        CASE WHEN EXISTS (
            SELECT FROM public.dispatch_workflowsetting
            WHERE organization = %(organization)s::uuid AND workflow = %(workflow)s
              AND (max_concurrent IS NOT NULL OR starts_per_minute IS NOT NULL)) THEN 1 ELSE 0 END"""
_FENCE = "fence AS (SELECT id FROM public.dispatch_worker WHERE id = %(worker)s::uuid FOR KEY SHARE)"
_OWNED = """owned AS (
    SELECT d.execution AS id, d.inbox FROM public.dispatch_dispatch d, fence
    WHERE d.execution = %(id)s::uuid AND d.worker = %(worker)s::uuid AND d.epoch = %(epoch)s)"""


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
        code_version, parent, depth, attempt, resumable, retry_of, created_at, started_at)
    SELECT %(id)s::uuid, %(workflow)s, 'Running', %(input)s::jsonb, %(input_sealed)s::bytea, %(trigger)s::jsonb,
        %(executed_by)s::jsonb, %(actor)s, %(idempotency_key)s, %(idempotency_digest)s,
        %(code_version)s, %(parent)s::uuid, %(depth)s::smallint, 1, %(resumable)s, %(retry_of)s::uuid, now(), now()
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
        executed_by->>'email', left(executed_by->>'name', 200), 'execution.retry', 'execution',
        %(retry_of)s::uuid::text,
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
    tenant = _qualified(schema)
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
    INSERT INTO {tenant}.workflows_app_executionevent {_EVENT_COLUMNS}
    SELECT id, 1, now(), 'status', %(status)s, '', 0, NULL FROM execution
),
approval AS (
    INSERT INTO {tenant}.workflows_app_approval (
        id, execution_id, workflow, title, state, requested_by, requester, permission, created_at, expires_at, comment)
    SELECT %(approval)s::uuid, id, %(workflow)s, %(title)s, 'pending', %(executed_by)s::jsonb, %(actor)s,
        %(permission)s, now(), now() + %(approval_seconds)s * interval '1 second', ''
    FROM execution WHERE %(status)s = 'PendingApproval'
),{_AUDIT if again else ""}
dispatch AS (
    INSERT INTO public.dispatch_dispatch (
        execution, organization, workflow, status, priority, lane, run_at, queued_at, epoch, inbox, code_version,
        closes_with)
    SELECT id, %(organization)s::uuid, %(workflow)s, %(status)s, %(priority)s::smallint, {_LANE},
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
    tenant = _qualified(schema)
    return f"""
WITH sent AS MATERIALIZED (
    -- What a wait was sent is kept exactly where it came in.
    SELECT number, exact FROM {tenant}.workflows_app_executionevent
    WHERE execution_id = %(source)s::uuid AND kind = 'inbox' AND exact IS NOT NULL
),
copied AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EXACT_COLUMNS}
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


@lru_cache(maxsize=10_000)
def begin(schema: str) -> bytes:
    """Begins the claimed executions among `ids` of one organization: from now on their code may have run.

    `versions` are the code versions that they will run, unless one is pinned to its own. A row for each that has
    begun, now or by an earlier sending; none where the fence is gone.
    """
    tenant = _qualified(schema)
    return f"""
WITH {_FENCE},
claimed AS (
    SELECT d.execution, d.epoch, d.inbox, wanted.version, last.seq,
        last.name = 'Running' AND last.epoch = d.epoch AS sent
    FROM fence CROSS JOIN unnest(%(ids)s::uuid[], %(versions)s::text[]) AS wanted(id, version)
    -- OFFSET 0: one look by the primary key for each, however few rows the planner believes to be running.
    CROSS JOIN LATERAL (
        SELECT execution, epoch, inbox FROM public.dispatch_dispatch
        WHERE execution = wanted.id AND worker = fence.id AND status = 'Running' OFFSET 0) d
    CROSS JOIN LATERAL (
        SELECT seq, name, (data ->> 'epoch')::int AS epoch FROM {tenant}.workflows_app_executionevent
        WHERE execution_id = d.execution ORDER BY seq DESC LIMIT 1) last
),
begun AS (
    UPDATE {tenant}.workflows_app_execution e SET status = 'Running', started_at = coalesce(e.started_at, now()),
        code_version = CASE WHEN e.trigger ? 'pinned' THEN e.code_version ELSE c.version END
    FROM claimed c WHERE e.id = c.execution AND (e.status IN ('Queued', 'Suspended') OR c.sent)
    RETURNING e.id, e.workflow, e.input, e.input_sealed, e.trigger, e.executed_by, e.code_version, e.parent, e.depth,
        e.attempt, e.spent_ms, e.created_at,
        -- One that a person started again begins with what it has taken over.
        e.started_at < now() OR e.trigger ->> 'type' IN ('retry', 'fork') AS again, c.epoch, c.inbox, c.seq
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EVENT_COLUMNS}
    SELECT id, seq + 1, now(), 'status', 'Running', '', 0,
        %(started)s::jsonb || jsonb_build_object('attempt', attempt, 'epoch', epoch) FROM begun
)
SELECT begun.*, o.config_version, (SELECT config_version FROM public.orgs_organization WHERE is_msp)
FROM begun, public.orgs_organization o WHERE o.id = %(organization)s::uuid
""".encode()


@lru_cache(maxsize=10_000)
def append(schema: str) -> bytes:
    """Adds events to a running execution's journal. One row: whether the fence holds."""
    tenant = _qualified(schema)
    return f"""
WITH {_FENCE},
{_OWNED},
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EXACT_COLUMNS}
    SELECT owned.id, row.* FROM owned, {_EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
progress AS (
    UPDATE {tenant}.workflows_app_execution e SET progress = %(progress)s::float8
    FROM owned WHERE e.id = owned.id AND coalesce(%(progress)s::float8 <> coalesce(e.progress, -1), false)
)
SELECT EXISTS (SELECT FROM fence)
""".encode()


@lru_cache(maxsize=10_000)
def suspend(schema: str) -> bytes:
    """Puts a running execution aside: until `delay` seconds have passed (NULL: for ever), or back into the queue.

    `status` is Suspended or Queued. What has arrived in its inbox since `inbox` was read makes it Queued, so that no
    wake-up is lost (engine.md, section 6). One row: whether the fence holds, and whether it was still this worker's.
    """
    tenant = _qualified(schema)
    # The row's lock first: what the inbox gets meanwhile is seen here, or sees Suspended there.
    owned = _OWNED.replace("%(epoch)s)", "%(epoch)s FOR UPDATE OF d)")
    return f"""
WITH {_FENCE},
{owned},
aside AS (
    UPDATE {tenant}.workflows_app_execution e SET attempt = %(attempt)s, spent_ms = %(spent_ms)s,
        progress = coalesce(%(progress)s::float8, e.progress),
        status = CASE WHEN owned.inbox > %(inbox)s THEN 'Queued' ELSE %(status)s END
    FROM owned WHERE e.id = owned.id AND e.status = 'Running'
    RETURNING e.id, e.status
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EXACT_COLUMNS}
    SELECT aside.id, row.* FROM aside, {_EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
dispatch AS (
    UPDATE public.dispatch_dispatch d SET status = aside.status, worker = NULL, reason = %(reason)s, queued_at = now(),
        run_at = CASE WHEN aside.status = 'Queued' THEN now()
            ELSE coalesce(now() + %(delay)s::float8 * interval '1 second', {_NEVER}) END
    FROM aside WHERE d.execution = aside.id
)
SELECT EXISTS (SELECT FROM fence), EXISTS (SELECT FROM aside)
""".encode()


@lru_cache(maxsize=10_000)
def end(schema: str) -> bytes:
    """Ends a running execution: status, result or error, last events, and the move from `Dispatch` to `Fleet`.

    One row: whether the fence holds and whether this call ended it. Repeating it changes nothing.
    """
    return _end(schema, f"{_FENCE},\n{_OWNED}", "owned", "'Running'")


@lru_cache(maxsize=10_000)
def end_unowned(schema: str) -> bytes:
    """Ends an execution that nobody works on: lost with its worker, or never begun.

    The fence is its row in the run queue, locked and without a living worker. One row: the same as of `end`, and the
    workflow and duration of what this call ended.
    """
    held = """fence AS (
    SELECT d.execution AS id FROM public.dispatch_dispatch d
    WHERE d.execution = %(id)s::uuid AND NOT EXISTS (SELECT FROM public.dispatch_worker w WHERE w.id = d.worker)
    FOR UPDATE OF d SKIP LOCKED)"""
    told = ",\n    (SELECT workflow FROM ended), (SELECT duration_ms FROM ended)"
    return _end(schema, held, "fence", "'Running', 'Queued', 'Suspended', 'PendingApproval'", told)


def _end(schema: str, fence: str, owner: str, from_statuses: str, told: str = "") -> bytes:
    tenant = _qualified(schema)
    return f"""
WITH {fence},
ended AS (
    UPDATE {tenant}.workflows_app_execution e SET status = %(status)s, result = %(result)s::jsonb,
        result_sealed = %(result_sealed)s::bytea, error = %(error)s::jsonb, variables = %(variables)s::jsonb,
        progress = coalesce(%(progress)s::float8, e.progress), completed_at = now(),
        duration_ms = coalesce(%(duration_ms)s::bigint, (extract(epoch FROM now() - e.started_at) * 1000)::bigint)
    FROM {owner} WHERE e.id = %(id)s::uuid AND e.status IN ({from_statuses})
    RETURNING e.id, e.workflow, e.duration_ms, e.parent, coalesce(e.chain, e.id) AS chain
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EXACT_COLUMNS}
    SELECT %(id)s::uuid, row.* FROM ended, {_EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
dispatch AS (
    DELETE FROM public.dispatch_dispatch d USING ended WHERE d.execution = ended.id
    RETURNING d.execution
),
-- What it has asked and nobody has decided. From the row in the run queue: whoever decides holds that one first, too.
withdrawn AS (
    UPDATE {tenant}.workflows_app_approval a SET state = 'withdrawn', decided_at = now()
    FROM dispatch WHERE a.execution_id = dispatch.execution AND a.state = 'pending' AND a.kind = 'step'
),
-- A parent that waits for it in the same stretch hears of it there; any other one is told, and awoken. It knows the
-- first of those that went on one after the other.
parent AS (
    UPDATE public.dispatch_dispatch d SET inbox = d.inbox + 1,
        status = CASE WHEN d.status = 'Suspended' THEN 'Queued' ELSE d.status END,
        queued_at = CASE WHEN d.status = 'Suspended' THEN now() ELSE d.queued_at END,
        run_at = CASE WHEN d.status = 'Suspended' THEN now() ELSE d.run_at END
    FROM ended WHERE d.execution = ended.parent
        AND (d.worker, d.epoch) IS DISTINCT FROM (%(parent_worker)s::uuid, %(parent_epoch)s::int)
    RETURNING d.execution, d.inbox, d.status, ended.chain
),
told AS (
    INSERT INTO {tenant}.workflows_app_inbox (execution_id, number, kind, name, data, sent_at)
    SELECT parent.execution, parent.inbox, 'child_end', parent.chain::text,
        jsonb_build_object('status', %(status)s::text), now() FROM parent
),
awake AS (
    UPDATE {tenant}.workflows_app_execution e SET status = 'Queued'
    FROM parent WHERE e.id = parent.execution AND parent.status = 'Queued' AND e.status = 'Suspended'
),
fleet AS (
    INSERT INTO public.dispatch_fleet (execution, organization, workflow, status, finished_at, duration_ms)
    SELECT id, %(organization)s::uuid, workflow, %(status)s, now(), duration_ms FROM ended
    ON CONFLICT (execution) DO NOTHING
)
SELECT EXISTS (SELECT FROM fence), EXISTS (SELECT FROM ended){told}
""".encode()


@lru_cache(maxsize=10_000)
def continue_as_new(schema: str) -> bytes:
    """Ends a running execution and creates the one that goes on in its place, with what it has not read or not taken.

    One row: whether the fence holds, whether this call did it, and whether it did not because something has arrived
    meanwhile that this statement does not see: repeated, it does. Repeating it otherwise changes nothing.
    """
    tenant = _qualified(schema)
    # The row's lock first: it has the number of what has arrived until now, whatever this statement sees.
    owned = _OWNED.replace("%(epoch)s)", "%(epoch)s FOR UPDATE OF d)")
    return f"""
WITH {_FENCE},
{owned},
seen AS (
    SELECT owned.id FROM owned WHERE owned.inbox = coalesce(
        (SELECT max(number) FROM {tenant}.workflows_app_inbox WHERE execution_id = %(id)s::uuid), 0)
),
ended AS (
    UPDATE {tenant}.workflows_app_execution e SET status = %(status)s, result = %(result)s::jsonb,
        error = %(error)s::jsonb, variables = %(variables)s::jsonb, continued_as = %(successor)s::uuid,
        progress = coalesce(%(progress)s::float8, e.progress), completed_at = now(),
        duration_ms = %(duration_ms)s::bigint
    FROM seen WHERE e.id = seen.id AND e.status = 'Running'
    RETURNING e.id, e.workflow, e.duration_ms, coalesce(e.chain, e.id) AS chain
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EXACT_COLUMNS}
    SELECT %(id)s::uuid, row.* FROM ended, {_EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
{_successor(tenant)}gone AS (
    DELETE FROM public.dispatch_dispatch d USING ended WHERE d.execution = ended.id
    RETURNING d.priority, d.closes_with
),
dispatch AS (
    INSERT INTO public.dispatch_dispatch (
        execution, organization, workflow, status, priority, lane, run_at, queued_at, epoch, inbox, code_version,
        closes_with)
    SELECT %(successor)s::uuid, %(organization)s::uuid, %(workflow)s, 'Queued', gone.priority, {_LANE}, now(), now(), 0,
        (SELECT count(*) FROM waiting), %(code_version)s, gone.closes_with
    FROM gone
),
fleet AS (
    INSERT INTO public.dispatch_fleet (execution, organization, workflow, status, finished_at, duration_ms)
    SELECT id, %(organization)s::uuid, workflow, %(status)s, now(), duration_ms FROM ended
    ON CONFLICT (execution) DO NOTHING
)
SELECT EXISTS (SELECT FROM fence), EXISTS (SELECT FROM ended),
    EXISTS (SELECT FROM owned) AND NOT EXISTS (SELECT FROM seen)
""".encode()


def _successor(tenant: str) -> str:
    """The parts that make the successor of what has `ended`, and move what is `waiting` in its inbox there."""
    return f"""
successor AS (
    INSERT INTO {tenant}.workflows_app_execution (
        id, workflow, status, input, input_sealed, trigger, executed_by, actor, code_version, parent, depth, attempt,
        resumable, continued_from, chain, created_at)
    SELECT %(successor)s::uuid, %(workflow)s, 'Queued', %(input)s::jsonb, %(input_sealed)s::bytea, %(trigger)s::jsonb,
        %(executed_by)s::jsonb, %(actor)s, %(code_version)s, %(parent)s::uuid, %(depth)s::smallint, 1, %(resumable)s,
        ended.id, ended.chain, now()
    FROM ended
),
first_event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {_EVENT_COLUMNS}
    SELECT %(successor)s::uuid, 1, now(), 'status', 'Queued', '', 0, jsonb_build_object('continuedFrom', ended.id)
    FROM ended
),
waiting AS (
    SELECT i.number, row_number() OVER (ORDER BY i.number) AS place
    FROM {tenant}.workflows_app_inbox i, ended
    WHERE i.execution_id = ended.id AND (i.number > %(inbox)s AND i.kind IN ('signal', 'cancel')
        OR i.number = ANY(%(kept)s::int[]) AND i.kind = 'signal')
),
moved AS (
    UPDATE {tenant}.workflows_app_inbox i SET execution_id = %(successor)s::uuid, number = waiting.place
    FROM waiting WHERE i.execution_id = %(id)s::uuid AND i.number = waiting.number
),
"""
