"""The statement that claims (see `claims`): two forms of it, for a fleet without any limit and for one that has some.

`later` and `earlier` are the organizations with rows in the open lane, by one index probe each; `lane` the pairs of
organization and workflow in the limited lane, `open_lane` those of them whose workflow may still start. `share` is how
many of the free places each organization gets, `candidate` the locked rows from which `chosen` are picked by weighted
lot. `reached` is the organization up to which everybody was visited; none where that is all.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST_ORGANIZATIONS = 200
MOST_LANES = 200

# The order in which organizations are served: those behind the last one first.
_TURN = "organization <= %(after)s::uuid, organization"
# What the limits of a setting leave: as many as may still run, and may still start in this minute.
_ROOM = """
        SELECT least(
            s.max_concurrent - (
                SELECT count(*) FROM public.dispatch_dispatch d WHERE d.status = 'Running'
                  AND d.organization = s.organization AND (s.workflow = '' OR d.workflow = s.workflow)),
            s.starts_per_minute - (
                SELECT count(*) FROM unnest(s.recent_starts) t WHERE t > now() - interval '60 s')) AS left
        FROM public.dispatch_workflowsetting s"""

_ORGANIZATIONS = """
{name}(organization, turn) AS (
    (SELECT organization, 1 FROM public.dispatch_dispatch
     WHERE status = 'Queued' AND lane = 0 AND organization {side} %(after)s::uuid ORDER BY organization LIMIT 1)
    UNION ALL
    SELECT (SELECT d.organization FROM public.dispatch_dispatch d
            WHERE d.status = 'Queued' AND d.lane = 0 AND d.organization > before.organization
              AND d.organization {side} %(after)s::uuid
            ORDER BY d.organization LIMIT 1), before.turn + 1
    FROM {name} before WHERE before.organization IS NOT NULL AND before.turn < {most}
)"""
# Counted on in the second part, so that both together are no more than this.
_PART_OF_LANES = f""",
{{name}}_lane(organization, workflow, turn) AS (
    (SELECT organization, workflow, {{first}} FROM public.dispatch_dispatch
     WHERE status = 'Queued' AND lane = 1 AND organization {{side}} %(after)s::uuid
     ORDER BY organization, workflow LIMIT 1)
    UNION ALL
    SELECT further.organization, further.workflow, before.turn + 1
    FROM {{name}}_lane before CROSS JOIN LATERAL (
        SELECT d.organization, d.workflow FROM public.dispatch_dispatch d
        WHERE d.status = 'Queued' AND d.lane = 1
          AND (d.organization, d.workflow) > (before.organization, before.workflow)
          AND d.organization {{side}} %(after)s::uuid
        ORDER BY d.organization, d.workflow LIMIT 1) further
    WHERE before.turn < {MOST_LANES}
)"""
_LATER_LANES = _PART_OF_LANES.format(name="later", side=">", first="1")
_EARLIER_LANES = _PART_OF_LANES.format(name="earlier", side="<=", first="1 + (SELECT count(*)::int FROM later_lane)")
_LANES = f"""{_LATER_LANES}{_EARLIER_LANES},
lane AS (SELECT * FROM later_lane UNION ALL SELECT * FROM earlier_lane WHERE turn <= {MOST_LANES}),
open_lane AS (
    SELECT lane.organization, lane.workflow, room.left
    FROM lane LEFT JOIN LATERAL ({_ROOM}
        WHERE s.organization = lane.organization AND s.workflow = lane.workflow) room ON true
    WHERE coalesce(room.left, 1) > 0
)"""
# Whoever has lanes that were left out is visited again as a whole, unless it alone has that many.
_END_OF_LANES = f"""
        UNION ALL
        (SELECT lane.organization FROM lane JOIN lane last ON last.turn = {MOST_LANES}
         ORDER BY lane.organization = last.organization, lane.turn DESC LIMIT 1)"""
_ROOM_OF_ORGANIZATION = f"""
    LEFT JOIN LATERAL ({_ROOM}
        WHERE s.organization = o.id AND s.workflow = '') room ON true"""
_LIMITED_CANDIDATES = """
    UNION ALL
    SELECT d.execution, d.organization, d.queued_at, level.weight, coalesce(open_lane.left, %(free)s), d.workflow
    FROM open_lane JOIN share USING (organization) CROSS JOIN level CROSS JOIN LATERAL (
        SELECT execution, organization, workflow, queued_at FROM public.dispatch_dispatch
        WHERE status = 'Queued' AND lane = 1 AND organization = open_lane.organization
          AND workflow = open_lane.workflow AND priority = level.priority
        ORDER BY run_at LIMIT least(share.most, open_lane.left) FOR UPDATE SKIP LOCKED) d"""
_NOTED_STARTS = """,
started AS (
    UPDATE public.dispatch_workflowsetting s SET recent_starts = ARRAY(
        SELECT t FROM unnest(s.recent_starts) t WHERE t > now() - interval '60 s')
        || array_fill(now(), ARRAY[taken.count::int])
    FROM (
        SELECT organization, '' AS workflow, count(*) FROM claimed GROUP BY organization
        UNION ALL SELECT organization, workflow, count(*) FROM claimed GROUP BY organization, workflow) taken
    WHERE s.organization = taken.organization AND s.workflow = taken.workflow AND s.starts_per_minute IS NOT NULL
)"""

# Of the rows of an organization that has all priorities, 8 : 4 : 1 are picked; so none waits for good.
_CLAIM = """
WITH RECURSIVE fence AS (SELECT id FROM public.dispatch_worker WHERE id = %(worker)s::uuid FOR KEY SHARE),
level(priority, weight) AS (VALUES (2, 8.0), (1, 4.0), (0, 1.0)),{later},{earlier}{lanes},
reached AS (
    SELECT (SELECT organization FROM (
        SELECT organization FROM later WHERE turn = {most}
        UNION ALL SELECT organization FROM earlier WHERE turn = {most}{end_of_lanes}) ends
     WHERE organization IS NOT NULL ORDER BY {turn} LIMIT 1) AS organization
),
held AS (SELECT * FROM unnest(%(held_organizations)s::uuid[], %(held_counts)s::int[]) AS held(organization, count)),
waiting AS (
    SELECT o.id AS organization, count(*) OVER () AS organizations, {room} AS room
    FROM (SELECT organization FROM later UNION SELECT organization FROM earlier{lane_organizations}) visited
    JOIN public.orgs_organization o ON o.id = visited.organization{room_of_organization}
    WHERE o.status = 'active' AND o.ready
),
share AS (
    SELECT * FROM (
        SELECT waiting.organization, least(
            ceil(%(free)s::float8 / organizations), %(each)s - coalesce(held.count, 0), room)::int AS most
        FROM waiting LEFT JOIN held USING (organization)) shares
    WHERE most > 0 ORDER BY {turn} LIMIT %(free)s
),
candidate AS (
    SELECT d.execution, d.organization, d.queued_at, level.weight, share.most AS of_workflow, '' AS workflow
    FROM share CROSS JOIN level CROSS JOIN LATERAL (
        SELECT execution, organization, queued_at FROM public.dispatch_dispatch
        WHERE status = 'Queued' AND lane = 0 AND organization = share.organization AND priority = level.priority
        ORDER BY run_at LIMIT share.most FOR UPDATE SKIP LOCKED) d{limited_candidates}
),
ranked AS (
    SELECT execution, organization, of_workflow, workflow,
        (row_number() OVER (PARTITION BY organization, workflow, weight ORDER BY queued_at) - 1 - ln(1 - random()))
        / weight AS rank
    FROM candidate
),
numbered AS (
    SELECT execution, organization, of_workflow, rank,
        row_number() OVER (PARTITION BY organization, workflow ORDER BY rank) AS of_its_workflow
    FROM ranked
),
chosen AS (
    SELECT execution FROM (
        SELECT execution, organization, row_number() OVER (PARTITION BY organization ORDER BY rank) AS number
        FROM numbered WHERE of_its_workflow <= of_workflow) picked
    JOIN share USING (organization) WHERE number <= share.most
    ORDER BY number, {turn} LIMIT %(free)s
),
suspect AS (
    SELECT execution FROM public.dispatch_dispatch d, public.orgs_organization o
    WHERE %(alone)s AND d.status = 'Queued' AND d.lane = 2 AND o.id = d.organization AND o.status = 'active' AND o.ready
    ORDER BY d.run_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED
),
claimed AS (
    UPDATE public.dispatch_dispatch d SET status = 'Running', worker = fence.id, epoch = d.epoch + 1, reason = ''
    -- An array, so that each row is found by the primary key whatever the planner believes.
    FROM fence
    WHERE d.execution = ANY(ARRAY(SELECT execution FROM chosen UNION ALL SELECT execution FROM suspect))
    RETURNING d.execution, d.organization, d.workflow, d.epoch, d.lane, d.code_version
){noted_starts}
SELECT execution, claimed.organization, workflow, epoch, lane = 2, code_version, reached.organization
FROM reached LEFT JOIN claimed ON true
"""
_LIMITS: Mapping[str, str] = {
    "lanes": _LANES,
    "end_of_lanes": _END_OF_LANES,
    "lane_organizations": " UNION SELECT organization FROM open_lane",
    "room": "room.left",
    "room_of_organization": _ROOM_OF_ORGANIZATION,
    "limited_candidates": _LIMITED_CANDIDATES,
    "noted_starts": _NOTED_STARTS,
}


def _claim(parts: Mapping[str, str]) -> bytes:
    organizations = {
        name: _ORGANIZATIONS.format(name=name, side=side, most=MOST_ORGANIZATIONS)
        for name, side in (("later", ">"), ("earlier", "<="))
    }
    return _CLAIM.format(turn=_TURN, most=MOST_ORGANIZATIONS, **organizations, **parts).encode()


CLAIM = _claim({**dict.fromkeys(_LIMITS, ""), "room": "NULL::bigint"})
CLAIM_WITHIN_LIMITS = _claim(_LIMITS)
