"""Locks between processes, kept by the database and gone with whoever held them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_LONGEST_WAIT = "60s"


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One process at a time is in a block of that name. Gives up with OperationalError after a minute.

    The lock has a connection of its own, because migrating may close the usual one.
    """
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{_LONGEST_WAIT}'")
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        yield
    finally:
        own.close()


def hold_off(name: str) -> None:
    """Until the current transaction ends, nobody enters `alone(name)`; others may hold it off too."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("hold_off() holds only inside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [name])
