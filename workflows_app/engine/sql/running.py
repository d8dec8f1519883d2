"""Statements of executions under way: their beginning in a process, their journal, and putting them aside."""

from __future__ import annotations

from functools import lru_cache

from workflows_app.engine.sql.parts import (
    EVENT_COLUMNS,
    EVENT_ROWS,
    EXACT_COLUMNS,
    FENCE,
    LANE,
    NEVER,
    OWNED,
    qualified,
)


@lru_cache(maxsize=10_000)
def begin(schema: str) -> bytes:
    """Begins the claimed executions among `ids` of one organization: from now on their code may have run.

    `versions` are the code versions that they will run, unless one is pinned to its own. A row for each that has
    begun, now or by an earlier sending; none where the fence is gone.
    """
    tenant = qualified(schema)
    return f"""
WITH {FENCE},
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
    RETURNING e.id, e.workflow, coalesce(e.approved_input, e.input) AS input,
        CASE WHEN e.approved_input IS NULL THEN e.input_sealed ELSE e.approved_input_sealed END AS input_sealed,
        e.trigger, e.executed_by, e.code_version, e.parent, e.depth, e.attempt, e.spent_ms, e.created_at,
        -- One that a person started again begins with what it has taken over.
        e.started_at < now() OR e.trigger ->> 'type' IN ('retry', 'fork') AS again, c.epoch, c.inbox, c.seq
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {EVENT_COLUMNS}
    SELECT id, seq + 1, now(), 'status', 'Running', '', 0,
        %(started)s::jsonb || jsonb_build_object('attempt', attempt, 'epoch', epoch) FROM begun
)
SELECT begun.*, o.config_version, (SELECT config_version FROM public.orgs_organization WHERE is_msp), now()
FROM begun, public.orgs_organization o WHERE o.id = %(organization)s::uuid
""".encode()


@lru_cache(maxsize=10_000)
def append(schema: str) -> bytes:
    """Adds events to a running execution's journal. One row: whether the fence holds, and whether the execution was
    still this worker's; otherwise nothing was written."""
    tenant = qualified(schema)
    return f"""
WITH {FENCE},
{OWNED},
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {EXACT_COLUMNS}
    SELECT owned.id, row.* FROM owned, {EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
progress AS (
    UPDATE {tenant}.workflows_app_execution e SET progress = %(progress)s::float8
    FROM owned WHERE e.id = owned.id AND coalesce(%(progress)s::float8 <> coalesce(e.progress, -1), false)
)
SELECT EXISTS (SELECT FROM fence), EXISTS (SELECT FROM owned)
""".encode()


@lru_cache(maxsize=10_000)
def suspend(schema: str) -> bytes:
    """Puts a running execution aside: until `delay` seconds have passed (NULL: for ever), or back into the queue.

    `status` is Suspended or Queued. What has arrived in its inbox since `inbox` was read makes it Queued, so that no
    wake-up is lost (engine.md, section 6). The line that puts off another attempt says until when, by this clock. One
    that is alone for its losses, and has got on, is so no more (section 4). One row: whether the fence holds, and
    whether it was still this worker's.
    """
    tenant = qualified(schema)
    # The row's lock first: what the inbox gets meanwhile is seen here, or sees Suspended there.
    owned = OWNED.replace("%(epoch)s)", "%(epoch)s FOR UPDATE OF d)")
    due = "now() + %(delay)s::float8 * interval '1 second'"
    return f"""
WITH {FENCE},
{owned},
aside AS (
    UPDATE {tenant}.workflows_app_execution e SET attempt = %(attempt)s, spent_ms = %(spent_ms)s,
        progress = coalesce(%(progress)s::float8, e.progress),
        status = CASE WHEN owned.inbox > %(inbox)s THEN 'Queued' ELSE %(status)s END
    FROM owned WHERE e.id = owned.id AND e.status = 'Running'
    RETURNING e.id, e.status
),
event AS (
    INSERT INTO {tenant}.workflows_app_executionevent {EXACT_COLUMNS}
    SELECT aside.id, row.seq, row.at, row.kind, row.name, row.path, row.number,
        CASE WHEN row.kind = 'status' AND row.data ? 'attempt' THEN row.data || jsonb_build_object('until', {due})
            ELSE row.data END, row.exact
    FROM aside, {EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
dispatch AS (
    UPDATE public.dispatch_dispatch d SET status = aside.status, worker = NULL, reason = %(reason)s, queued_at = now(),
        lane = CASE WHEN d.lane = 2 AND %(got_on)s THEN {LANE} ELSE d.lane END,
        run_at = CASE WHEN aside.status = 'Queued' THEN now() ELSE coalesce({due}, {NEVER}) END
    FROM aside WHERE d.execution = aside.id
)
SELECT EXISTS (SELECT FROM fence), EXISTS (SELECT FROM aside)
""".encode()
