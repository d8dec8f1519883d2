"""Who may read a file: whoever may read an execution that holds it, and whoever uploaded it.

A run may read what was given to it and what it, its parents and its children saved; a person's run also what that
person may read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from orgs.permissions import VIEW_EXECUTIONS, VIEW_OWN_EXECUTIONS
from orgs.records import Actor
from workflows_app.actors import actor_key
from workflows_app.files.models import FileUse

# Their keys stand for one person or program; a webhook's or a public form's for anybody.
PERSONAL = frozenset({"user", "token", "command"})
DEEPEST = 50

_SAME_FAMILY = """
WITH RECURSIVE up AS (
    SELECT id AS start, id, parent, 0 AS depth FROM workflows_app_execution
    WHERE id = %(execution)s OR id IN (SELECT execution_id FROM workflows_app_fileuse WHERE file_id = ANY(%(files)s))
    UNION ALL
    SELECT up.start, e.id, e.parent, up.depth + 1 FROM up JOIN workflows_app_execution e ON e.id = up.parent
    WHERE up.depth < %(deepest)s
),
root AS (SELECT start, id FROM up WHERE parent IS NULL)
SELECT DISTINCT u.file_id FROM workflows_app_fileuse u JOIN root holder ON holder.start = u.execution_id
WHERE u.file_id = ANY(%(files)s) AND holder.id = (SELECT id FROM root WHERE start = %(execution)s)
"""


def readable_by(actor: Actor) -> Q:
    """The files that the actor may read."""
    key = actor_key(actor)
    held = FileUse.objects.filter(file=OuterRef("pk"))
    uploaded = Q(uploader=key) if actor.kind in PERSONAL else Q(~Exists(held), uploader=key)
    if actor.can(VIEW_EXECUTIONS):
        return uploaded | Q(Exists(held))
    if actor.can(VIEW_OWN_EXECUTIONS) and actor.kind in PERSONAL:
        return uploaded | Q(Exists(held.filter(execution__actor=key)))
    return uploaded


def readable_by_run(actor: Actor, execution: UUID | None) -> Q:
    """The files that a run of the actor's may read, but for those of its family. `execution`: itself, or its parent."""
    held = FileUse.objects.filter(file=OuterRef("pk"))
    given = Q(Exists(held.filter(execution=execution)))
    if actor.kind not in PERSONAL:
        return given | Q(~Exists(held), uploader=actor_key(actor))
    return given | readable_by(actor) | Q(Exists(held.filter(execution__actor=actor_key(actor))))


def of_family(execution: UUID, files: Iterable[UUID]) -> set[UUID]:
    """Those of the files that the execution's parents, their children and its own hold. One query."""
    wanted: dict[str, Any] = {"execution": execution, "files": list(files), "deepest": DEEPEST}
    with connection.cursor() as cursor:
        cursor.execute(_SAME_FAMILY, wanted)
        return {row[0] for row in cursor.fetchall()}
