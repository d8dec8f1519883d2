"""Transactions on an organization's outside PostgreSQL databases, never on the platform's own.

On the caller's loop, so that a server that does not answer keeps no thread of the platform's busy, and a caller that is
cancelled cancels its statement. What is raised never holds the address or credentials.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import psycopg
from django.db import connection as platform_connection
from psycopg import AsyncConnection, AsyncCursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from bifrost.sdk.documents import size
from bifrost.sdk.errors import ConfigurationError, DatabaseError, TooLarge
from bifrost.sdk.tolerant import JSON, plain
from orgs.tenancy import shared_context

CONNECT_SECONDS = 10
MOST_ROWS = 1_000  # of one operation

Connection = AsyncConnection[DictRow]
#: A statement, and its values.
Operation = Sequence[Any]
Results = list[dict[str, JSON]]

_NEEDED = ("host", "user", "dbname")
# The transaction is begun and ended here.
_CONTROL = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION)\b",
    re.IGNORECASE | re.DOTALL,
)
_IDENTITY = "SELECT current_database()::text AS database, session_user::text AS role, ({}) AS server"
_SERVER = "SELECT system_identifier FROM pg_control_system()"
_STEPS = """
CREATE TABLE bifrost_steps (
    key text PRIMARY KEY, result jsonb, done_at timestamptz NOT NULL DEFAULT now())
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database a session is in, and as whom; `server` None where it does not say."""

    database: str
    role: str
    server: int | None


def platform_identity() -> Identity:
    """The platform's own. In a thread that may use the database."""
    with shared_context(), platform_connection.cursor() as cursor:
        cursor.execute(_IDENTITY.format(_SERVER))
        return Identity(*cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Target:
    """A secret that holds a database's address; `own` is the platform's, which it must not lead to."""

    secret: str
    address: str
    own: Identity


async def transact(
    target: Target, operations: Sequence[Operation], *, once: str | None = None, most_bytes: int
) -> Results:
    """Does the operations in one transaction and returns what came of each.

    `once`: a key under which the outside database remembers, in the same transaction, that they were done; they are not
    done again then. Raises DatabaseError (`operation` is the place of the one that failed), TooLarge, and
    ConfigurationError for an address that is none or leads to the platform's own database: nothing was done then.
    """
    _check(operations)
    async with _connected(target) as connection, _transaction(connection):
        await _refuse_own(connection, target)

        async def do() -> Results:
            return await _do(connection, operations, most_bytes)

        return await (do() if once is None else _once(connection, once, do))


def _check(operations: Sequence[Operation]) -> None:
    for place, (statement, _) in enumerate(operations):
        if control := _CONTROL.match(statement):
            word = control.group(1).upper()
            raise DatabaseError(f"Operation {place} is {word}: all of them are one transaction.", operation=place)


@asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[Connection]:
    try:
        parameters: dict[str, Any] = conninfo_to_dict(target.address)
    except psycopg.Error:
        parameters = {}
    # What is left out would come from the environment of the platform's process.
    if missing := [name for name in _NEEDED if not parameters.get(name)]:
        raise ConfigurationError(
            f'The secret "{target.secret}" is no address of a PostgreSQL database (postgresql://user:password@host/name):'
            f" it has no {', '.join(missing)}.",
            config_key=target.secret,
        )
    address = make_conninfo(**{"connect_timeout": CONNECT_SECONDS, "application_name": "bifrost", **parameters})
    try:
        connection = await AsyncConnection.connect(address, autocommit=True, row_factory=dict_row)
    except psycopg.Error as error:
        _fail(f'The database of the secret "{target.secret}" cannot be reached', error)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _transaction(connection: Connection) -> AsyncIterator[None]:
    try:
        async with connection.transaction():
            yield
    except psycopg.Error as error:
        # What an operation raised is a DatabaseError already.
        _fail("The transaction failed" if connection.closed else "The transaction was rolled back", error)


async def _refuse_own(connection: Connection, target: Target) -> None:
    """Within the transaction: a pooler may give the next one another server."""
    found, own = await _identity(connection), target.own
    as_the_platform = found.server is not None and found.role == own.role
    if found.server in (None, own.server) and (found.database == own.database or as_the_platform):
        raise ConfigurationError(
            f'The secret "{target.secret}" leads to the platform\'s own database, or to its server as the platform.',
            config_key=target.secret,
        )


async def _identity(connection: Connection) -> Identity:
    with suppress(psycopg.Error):  # not every server tells, and none has to
        async with connection.transaction():
            return await _identity_by(connection, _SERVER)
    return await _identity_by(connection, "NULL")


async def _identity_by(connection: Connection, server: str) -> Identity:
    cursor = await connection.execute(_IDENTITY.format(server))
    row = await cursor.fetchone()
    assert row is not None
    return Identity(row["database"], row["role"], row["server"])


async def _once(connection: Connection, key: str, do: Callable[[], Awaitable[Results]]) -> Results:
    """Whoever else is at it under the same key comes first, or not at all."""
    await _make_table(connection)
    began = await connection.execute(
        "INSERT INTO bifrost_steps (key) VALUES (%s) ON CONFLICT (key) DO NOTHING RETURNING key", [key]
    )
    if await began.fetchone() is None:
        done = await connection.execute("SELECT result FROM bifrost_steps WHERE key = %s", [key])
        row = await done.fetchone()
        assert row is not None
        return list(row["result"])
    results = await do()
    await connection.execute("UPDATE bifrost_steps SET result = %s WHERE key = %s", [Jsonb(results), key])
    return results


async def _make_table(connection: Connection) -> None:
    if await _has_table(connection):
        return
    try:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('bifrost_steps'))")
        if not await _has_table(connection):
            await connection.execute(_STEPS)
    except psycopg.Error as error:
        _fail("The table bifrost_steps, which exactly_once needs, could not be made", error)


async def _has_table(connection: Connection) -> bool:
    # Not to_regclass: the session remembers its answer, and would not hear of a table that was made meanwhile.
    cursor = await connection.execute(
        "SELECT FROM pg_catalog.pg_class WHERE relname = 'bifrost_steps' AND pg_table_is_visible(oid)"
    )
    return await cursor.fetchone() is not None


async def _do(connection: Connection, operations: Sequence[Operation], most_bytes: int) -> Results:
    results: Results = []
    for place, (statement, values) in enumerate(operations):
        try:
            results.append({"operation": place, **await _one(connection, statement, values)})
        except psycopg.Error as error:
            _fail(f"Operation {place} failed", error, operation=place)
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            raise DatabaseError(f"Operation {place} has ended the transaction.", operation=place)
    if (length := size(results)) > most_bytes:
        raise TooLarge(f"The operations returned {length:,} bytes; the limit is {most_bytes:,}. Nothing was done.")
    return results


async def _one(connection: Connection, statement: str, values: Any) -> dict[str, JSON]:
    cursor: AsyncCursor[DictRow]
    # A pipeline uses the protocol that takes one statement at a time, also where it has no values.
    async with connection.pipeline() as pipeline, connection.cursor() as cursor:
        await cursor.execute(statement, _adapted(values))
        await pipeline.sync()
        rows = await cursor.fetchmany(MOST_ROWS + 1) if cursor.description else []
        if len(rows) > MOST_ROWS:
            raise psycopg.DataError(f"it returned more than {MOST_ROWS:,} rows")
        return {"rowCount": cursor.rowcount, "rows": [plain(row) for row in rows]}


def _adapted(values: Any) -> Any:
    """Mappings among the values are JSON to the database."""
    if values is None:
        return None
    if isinstance(values, Mapping):
        return {name: Jsonb(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    return [Jsonb(value) if isinstance(value, Mapping) else value for value in values]


def _fail(what: str, error: psycopg.Error, **facts: Any) -> NoReturn:
    """With the words that the server said in the session. libpq's own name the server's address and the user."""
    said = error.diag.message_primary or ("" if isinstance(error, psycopg.OperationalError) else str(error))
    raise DatabaseError(f"{what}: {said}" if said else f"{what}.", sqlstate=error.sqlstate, **facts) from None
