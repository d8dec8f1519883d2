"""The calling thread's psycopg connection, for the engine's prepared statements.

It is the connection that Django keeps for the thread, so a thread never holds two; Django's search path plays no part
because the statements name their schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.utils import InterfaceError, OperationalError

#: What psycopg and Django raise where the connection is gone, and at times where it is not.
LOST = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError)


class DatabaseAway(Exception):
    """The database cannot be reached; whether the statement took effect is not known."""


def execute(statement: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Runs a prepared statement in its own transaction and returns its one row.

    A connection that turns out to be dead is replaced and the statement sent once more: every statement of the engine
    may be repeated. Raises DatabaseAway when that fails too.
    """
    try:
        return _execute(statement, parameters)
    except LOST:
        discard()
    try:
        return _execute(statement, parameters)
    except LOST as error:
        discard()
        raise DatabaseAway(str(error)) from error


def execute_together(
    statements: Sequence[tuple[bytes, Mapping[str, Any]]],
) -> list[list[tuple[Any, ...]]]:
    """Runs prepared statements in one transaction, sent in one pipeline, and returns the rows of each.

    Nothing is sent again: raises what psycopg raises, DatabaseAway where the connection is gone.
    """
    try:
        return together(statements)
    except LOST as error:
        discard()
        raise DatabaseAway(str(error)) from error


def together(statements: Sequence[tuple[bytes, Mapping[str, Any]]]) -> list[list[tuple[Any, ...]]]:
    """The same on a connection that the caller discards: raises whatever psycopg raises.

    One round trip: what a pipeline carries until its end is one transaction, without a BEGIN and a COMMIT that would
    each be waited for; and rows are fetched when the pipeline has ended, since fetching within it waits as well.
    """
    ensured = raw()
    cursors = [psycopg.Cursor(ensured) for _ in statements]
    with _in_one_transaction(ensured, len(cursors)):
        for cursor, (statement, parameters) in zip(cursors, statements, strict=True):
            cursor.execute(statement, parameters, prepare=True)
    return [cursor.fetchall() for cursor in cursors]


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


def discard_closed() -> None:
    """The same where it is closed already: Django would use it again and again."""
    if (existing := opened()) is not None and existing.closed:
        discard()


def _execute(statement: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    with psycopg.Cursor(raw()) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("The statement returned no row.")
    return row


@contextmanager
def _in_one_transaction(ensured: psycopg.Connection[tuple[Any, ...]], statements: int) -> Iterator[None]:
    """For so many statements; within a transaction of the caller's, what fails leaves that one as it was."""
    if not ensured.autocommit:
        with ensured.transaction(), ensured.pipeline():
            yield
    elif statements > 1:
        with ensured.pipeline():
            yield
    else:
        yield
