"""The calling thread's psycopg connection, for the engine's prepared statements.

It is the connection that Django keeps for the thread, so a thread never holds two; Django's search path plays no part
because the statements name their schemas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection
from django.db.utils import OperationalError


class DatabaseAway(Exception):
    """The database cannot be reached; whether the statement took effect is not known."""


def execute(statement: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Runs a prepared statement in its own transaction and returns its one row.

    A connection that turns out to be dead is replaced and the statement sent once more: every statement of the engine
    may be repeated. Raises DatabaseAway when that fails too.
    """
    try:
        return _execute(statement, parameters)
    except (psycopg.OperationalError, psycopg.InterfaceError, OperationalError):
        discard()
    try:
        return _execute(statement, parameters)
    except (psycopg.OperationalError, psycopg.InterfaceError, OperationalError) as error:
        discard()
        raise DatabaseAway(str(error)) from error


def execute_together(
    statements: Sequence[tuple[bytes, Mapping[str, Any]]],
) -> list[list[tuple[Any, ...]]]:
    """Runs prepared statements in one transaction, sent in one pipeline, and returns the rows of each.

    Nothing is sent again: raises what psycopg raises, DatabaseAway where the connection is gone.
    """
    try:
        return _execute_together(raw(), statements)
    except (psycopg.OperationalError, psycopg.InterfaceError, OperationalError) as error:
        discard()
        raise DatabaseAway(str(error)) from error


def raw() -> psycopg.Connection[tuple[Any, ...]]:
    """The thread's psycopg connection, opened when needed."""
    connection.ensure_connection()
    ensured: psycopg.Connection[tuple[Any, ...]] = connection.connection
    return ensured


def opened() -> psycopg.Connection[tuple[Any, ...]] | None:
    """The thread's psycopg connection, if it has one."""
    existing: psycopg.Connection[tuple[Any, ...]] | None = connection.connection
    return existing


def discard() -> None:
    """Closes the thread's connection; the next use opens a fresh one."""
    connection.close()


def _execute(statement: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    with psycopg.Cursor(raw()) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("The statement returned no row.")
    return row


def _execute_together(
    connection: psycopg.Connection[tuple[Any, ...]], statements: Sequence[tuple[bytes, Mapping[str, Any]]]
) -> list[list[tuple[Any, ...]]]:
    with connection.transaction(), connection.pipeline():
        cursors = [psycopg.Cursor(connection) for _ in statements]
        for cursor, (statement, parameters) in zip(cursors, statements, strict=True):
            cursor.execute(statement, parameters, prepare=True)
        return [cursor.fetchall() for cursor in cursors]
