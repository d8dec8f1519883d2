"""The engine's SQL: the hot writes, each one statement and so one commit, each carrying the fence.

Schema-qualified and prepared, on the thread's own psycopg connection; everything else in Bifrost is ORM. The fence is
the share lock on the writer's `Worker` row: once the sweep has deleted that row, every statement here finds nothing
and writes nothing (engine.md, section 4). What is written about an execution also asks whether it is still this
worker's, by the claim's epoch: one that was given back may run elsewhere already.
"""

from __future__ import annotations

from workflows_app.engine.sql.creating import queue, start, take_over
from workflows_app.engine.sql.ending import continue_as_new, end, end_unowned
from workflows_app.engine.sql.running import append, begin, suspend

__all__ = ["append", "begin", "continue_as_new", "end", "end_unowned", "queue", "start", "suspend", "take_over"]
