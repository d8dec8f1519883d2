"""An outside PostgreSQL for tests: a database and a role of their own on the test's server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo


@dataclass(frozen=True)
class OutsideDatabase:
    name: str
    role: str
    address: str

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address, autocommit=True) as session:
            cursor = session.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def address_with(self, **changes: Any) -> str:
        return make_conninfo(self.address, **changes)


def platforms_address(**changes: Any) -> str:
    """That of the test's own platform."""
    connection.ensure_connection()
    own = connection.connection.info
    given = settings.DATABASES["default"]
    known = {"host": own.host, "port": own.port, "user": own.user, "dbname": own.dbname}
    password = {"password": given["PASSWORD"]} if given.get("PASSWORD") else {}
    return make_conninfo(**{**known, **password, **changes})


@contextmanager
def outside_database() -> Iterator[OutsideDatabase]:
    name = f"outside_{uuid4().hex[:12]}"
    with psycopg.connect(platforms_address(), autocommit=True) as session:
        session.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'hunter22outside'")  # type: ignore[arg-type]
        session.execute(f"CREATE DATABASE {name} OWNER {name}")  # type: ignore[arg-type]
    try:
        address = platforms_address(dbname=name, user=name, password="hunter22outside")
        outside = OutsideDatabase(name, name, address)
        outside.query("CREATE TABLE orders (id int PRIMARY KEY, item text, facts jsonb, price numeric)")
        yield outside
    finally:
        with psycopg.connect(platforms_address(), autocommit=True) as session:
            session.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]
            session.execute(f"DROP ROLE {name}")  # type: ignore[arg-type]
