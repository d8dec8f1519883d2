"""Statements that end executions, or have another one go on in their place."""

from __future__ import annotations

from functools import lru_cache

from workflows_app.engine.sql.parts import (
    EVENT_COLUMNS,
    EVENT_ROWS,
    EXACT_COLUMNS,
    FENCE,
    LANE,
    OWNED,
    qualified,
)


@lru_cache(maxsize=10_000)
def end(schema: str) -> bytes:
    """Ends a running execution: status, result or error, last events, and the move from `Dispatch` to `Fleet`.

    One row: whether the fence holds and whether this call ended it. Repeating it changes nothing.
    """
    return _end(schema, f"{FENCE},\n{OWNED}", "owned", "'Running'")


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
    tenant = qualified(schema)
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
    INSERT INTO {tenant}.workflows_app_executionevent {EXACT_COLUMNS}
    SELECT %(id)s::uuid, row.* FROM ended, {EVENT_ROWS}
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
    tenant = qualified(schema)
    # The row's lock first: it has the number of what has arrived until now, whatever this statement sees.
    owned = OWNED.replace("%(epoch)s)", "%(epoch)s FOR UPDATE OF d)")
    return f"""
WITH {FENCE},
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
    INSERT INTO {tenant}.workflows_app_executionevent {EXACT_COLUMNS}
    SELECT %(id)s::uuid, row.* FROM ended, {EVENT_ROWS}
    ON CONFLICT (execution_id, seq) DO NOTHING
),
{_successor(tenant)}gone AS (
    DELETE FROM public.dispatch_dispatch d USING ended WHERE d.execution = ended.id
    RETURNING d.priority, d.closes_with
),
dispatch AS (
    INSERT INTO public.dispatch_dispatch (
        execution, organization, workflow, status, priority, lane, run_at, queued_at, epoch, inbox, code_version,
        closes_with, chain)
    SELECT %(successor)s::uuid, %(organization)s::uuid, %(workflow)s, 'Queued', gone.priority, {LANE}, now(), now(), 0,
        (SELECT count(*) FROM waiting), %(code_version)s, gone.closes_with, ended.chain
    FROM gone, ended
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
    INSERT INTO {tenant}.workflows_app_executionevent {EVENT_COLUMNS}
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
