"""Writes executions that wait: in the run queue for a worker, or for an approval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from uuid6 import uuid7

from orgs.permissions import APPROVE
from workflows_app import catalog
from workflows_app.engine import connection, statements
from workflows_app.engine.start import Prepared, refusal, row_parameters
from workflows_app.errors import PlatformUnavailable

AT_ONCE = 100  # statements in one transaction


def queue(prepared: Prepared) -> bool:
    """Writes one. False: the idempotency key is taken.

    Raises PlatformUnavailable when the database is away, PermissionError for a suspended organization.
    """
    catalog.store_sources(prepared.facts.loaded)
    try:
        row = _write(_calls(prepared))
    except connection.DatabaseAway as error:
        raise PlatformUnavailable("The database is away; the workflow was not started.") from error
    except psycopg.errors.UndefinedTable as error:
        raise refusal(None) from error
    return _created(row)


def queue_all(all_prepared: Sequence[Prepared]) -> list[bool | Exception]:
    """Writes many, a hundred in a transaction. For each: whether it was created, or why it was refused."""
    for prepared in {prepared.facts.loaded.code_version: prepared for prepared in all_prepared}.values():
        catalog.store_sources(prepared.facts.loaded)
    answers: list[bool | Exception] = []
    for first in range(0, len(all_prepared), AT_ONCE):
        answers += _queue_together(all_prepared[first : first + AT_ONCE])
    return answers


def _queue_together(batch: Sequence[Prepared]) -> list[bool | Exception]:
    calls = [_calls(prepared) for prepared in batch]
    try:
        found = iter(connection.execute_together([call for each in calls for call in each]))
    except connection.DatabaseAway:
        return [_one(prepared) for prepared in batch]
    except psycopg.Error:
        # One of them was refused for its data, or its schema is gone: each by itself, so that the others go on.
        return [_one(prepared) for prepared in batch]
    answers = [[next(found) for _call in each] for each in calls]
    return [_judged(rows[0][0]) for rows in answers]


def _one(prepared: Prepared) -> bool | Exception:
    try:
        return queue(prepared)
    except Exception as refused:  # noqa: BLE001  handed to the caller, in its place
        return refused


def _judged(row: tuple[Any, ...]) -> bool | Exception:
    try:
        return _created(row)
    except Exception as refused:  # noqa: BLE001  handed to the caller, in its place
        return refused


def _created(row: tuple[Any, ...]) -> bool:
    status, created = row
    if status != "active":
        raise refusal(status)
    return bool(created)


Call = tuple[bytes, dict[str, Any]]


def _write(calls: Sequence[Call]) -> tuple[Any, ...]:
    """The first one's row, all of them in one transaction."""
    if len(calls) == 1:
        return connection.execute(*calls[0])
    try:
        return connection.execute_together(calls)[0][0]
    except connection.DatabaseAway:
        return connection.execute_together(calls)[0][0]  # by a new connection; each of them may be repeated


def _calls(prepared: Prepared) -> list[Call]:
    """What creates it, and what copies the lines that it takes over."""
    schema, takes = prepared.facts.organization.schema_name, prepared.takes
    calls: list[Call] = [(statements.queue(schema, _again_of(prepared) is not None), _parameters(prepared))]
    if takes is not None and takes.lines:
        copied = {"id": prepared.facts.id, "source": takes.source, "lines": list(takes.lines)}
        calls.append((statements.take_over(schema), copied))
    return calls


def _again_of(prepared: Prepared) -> UUID | None:
    """Which execution a person has started again, or forked, as this one."""
    return prepared.retry_of or (prepared.takes.source if prepared.takes is not None else None)


def _parameters(prepared: Prepared) -> dict[str, Any]:
    name = prepared.facts.loaded.spec.name
    return {
        **row_parameters(prepared),
        "status": str(prepared.status),
        "approval": uuid7(),
        "audit": uuid7(),
        "audited": "execution.retry" if prepared.retry_of is not None else "execution.fork",
        "again_of": _again_of(prepared),
        "title": f"Run {name}",
        "permission": APPROVE,
        "approval_seconds": settings.APPROVAL_SECONDS,
    }
