"""What several of the engine's statements have in common."""

from __future__ import annotations

import re

SCHEMA_NAME = re.compile(r"org_[a-z0-9_]{1,40}")

EVENT_COLUMNS = "(execution_id, seq, at, kind, name, path, number, data)"
EVENT_ROWS = """
    jsonb_to_recordset(%(events)s::jsonb)
    AS row(seq int, at timestamptz, kind text, name text, path text, number int, data jsonb, exact bytea)"""
# PostgreSQL's own infinity is no Python datetime.
NEVER = "'9999-12-31 00:00+00'::timestamptz"
EXACT_COLUMNS = "(execution_id, seq, at, kind, name, path, number, data, exact)"
LANE = """
        CASE WHEN EXISTS (
            SELECT FROM public.dispatch_workflowsetting
            WHERE organization = %(organization)s::uuid AND workflow = %(workflow)s
              AND (max_concurrent IS NOT NULL OR starts_per_minute IS NOT NULL)) THEN 1 ELSE 0 END"""
FENCE = "fence AS (SELECT id FROM public.dispatch_worker WHERE id = %(worker)s::uuid FOR KEY SHARE)"
OWNED = """owned AS (
    SELECT d.execution AS id, d.inbox FROM public.dispatch_dispatch d, fence
    WHERE d.execution = %(id)s::uuid AND d.worker = %(worker)s::uuid AND d.epoch = %(epoch)s)"""


def qualified(schema: str) -> str:
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is not an organization's schema.")
    return schema
