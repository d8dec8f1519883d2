"""Transactions on an outside PostgreSQL: whole or not at all, never on the platform's own database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bifrost import ConfigurationError, DatabaseError, TooLarge
from bifrost.sdk.errors import as_document
from integrations import databases
from integrations.databases import Target, platform_identity
from tests.integrations.outside import OutsideDatabase, outside_database, platforms_address

INSERT = "INSERT INTO orders (id, item) VALUES (%s, %s)"


@pytest.fixture
def outside(db: None) -> Iterator[OutsideDatabase]:
    with outside_database() as made:
        yield made


def transact(address: str, *operations: Any, once: str | None = None, most_bytes: int = 256_000) -> Any:
    target = Target("orders_dsn", address, platform_identity())
    pairs = [(each, None) if isinstance(each, str) else each for each in operations]
    return asyncio.run(databases.transact(target, pairs, once=once, most_bytes=most_bytes))


def ids(outside: OutsideDatabase) -> list[int]:
    return [row[0] for row in outside.query("SELECT id FROM orders ORDER BY id")]


def test_what_came_of_each_operation_is_returned_as_json(outside: OutsideDatabase) -> None:
    results = transact(
        outside.address,
        (INSERT, [1, "50% off"]),
        ("INSERT INTO orders VALUES (%(id)s, 'b', %(facts)s, 9.50)", {"id": 2, "facts": {"colour": "red"}}),
        "SELECT *, date '2026-03-01' AS day FROM orders WHERE item LIKE '%' ORDER BY id",
        ("UPDATE orders SET item = 'c' WHERE id = ANY(%s) RETURNING id", [[1, 2]]),
    )

    assert results[0] == {"operation": 0, "rowCount": 1, "rows": []}
    assert results[2] == {
        "operation": 2,
        "rowCount": 2,
        "rows": [
            {"id": 1, "item": "50% off", "facts": None, "price": None, "day": "2026-03-01"},
            {"id": 2, "item": "b", "facts": {"colour": "red"}, "price": "9.50", "day": "2026-03-01"},
        ],
    }
    assert results[3]["rows"] == [{"id": 1}, {"id": 2}]


def test_where_one_fails_none_is_done(outside: OutsideDatabase) -> None:
    with pytest.raises(DatabaseError) as caught:
        transact(outside.address, (INSERT, [1, "a"]), (INSERT, [2, "b"]), (INSERT, [1, "c"]), (INSERT, [3, "d"]))

    assert as_document(caught.value) == {
        "error": "DatabaseError",
        "message": 'Operation 2 failed: duplicate key value violates unique constraint "orders_pkey"',
        "details": {"operation": 2, "sqlstate": "23505"},
    }
    assert ids(outside) == []


def test_a_transaction_that_fails_at_its_end_is_not_done(outside: OutsideDatabase) -> None:
    outside.query("ALTER TABLE orders ADD UNIQUE (item) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(DatabaseError, match="The transaction was rolled back: duplicate key value"):
        transact(outside.address, (INSERT, [1, "a"]), (INSERT, [2, "a"]))
    assert ids(outside) == []


@pytest.mark.parametrize(
    "control", ["COMMIT", "rollback;", "BEGIN", "-- done\n/* so */ END", "PREPARE TRANSACTION 'x'"]
)
def test_no_operation_ends_the_transaction(outside: OutsideDatabase, control: str) -> None:
    with pytest.raises(DatabaseError, match="Operation 1 is "):
        transact(outside.address, (INSERT, [1, "a"]), control, "SELECT nothing")
    assert ids(outside) == []


@pytest.mark.parametrize("values", [None, [], [1]])
def test_an_operation_is_one_statement(outside: OutsideDatabase, values: Any) -> None:
    two = "INSERT INTO orders (id) VALUES (1); COMMIT"
    with pytest.raises(DatabaseError, match=r"Operation 0 failed: (cannot insert multiple commands|the query has 0)"):
        transact(outside.address, (two, values))
    assert ids(outside) == []


def test_too_many_rows_and_bytes_are_refused_and_nothing_is_done(outside: OutsideDatabase) -> None:
    with pytest.raises(DatabaseError, match="Operation 1 failed: it returned more than 1,000 rows"):
        transact(outside.address, (INSERT, [1, "a"]), "SELECT generate_series(1, 1001)")
    assert len(transact(outside.address, "SELECT generate_series(1, 1000)")[0]["rows"]) == 1000
    with pytest.raises(TooLarge, match="the limit is 100"):
        transact(outside.address, (INSERT, [1, "a"]), "SELECT repeat('x', 200)", most_bytes=100)
    assert ids(outside) == []


def test_the_platforms_own_database_is_refused(outside: OutsideDatabase) -> None:
    outside.query("SELECT 1")
    for address in (
        platforms_address(),  # as the platform
        platforms_address(user=outside.role, password="hunter22outside"),  # as somebody else
        platforms_address(dbname=outside.name),  # the platform's role may do anything there
    ):
        with pytest.raises(ConfigurationError, match="leads to the platform's own database") as caught:
            transact(address, "CREATE TABLE public.broken (id int)")
        assert caught.value.config_key == "orders_dsn"
    assert platform_identity().database not in outside.query("SELECT to_regclass('public.broken')")[0]


def test_a_server_that_does_not_say_which_it_is_may_not_have_the_platforms_database(outside: OutsideDatabase) -> None:
    # The outside database's own function of that name comes first and refuses.
    outside.query("CREATE SCHEMA hidden")
    outside.query(
        "CREATE FUNCTION hidden.pg_control_system(OUT system_identifier bigint) LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE insufficient_privilege; END $$"
    )
    outside.query(f"ALTER ROLE {outside.role} SET search_path = hidden, pg_catalog, public")

    assert transact(outside.address, (INSERT, [1, "a"]))[0]["rowCount"] == 1
    target = Target("orders_dsn", outside.address, databases.Identity(outside.name, "somebody", 1))
    with pytest.raises(ConfigurationError, match="leads to the platform's own database"):
        asyncio.run(databases.transact(target, [("SELECT 1", None)], most_bytes=1000))


@pytest.mark.parametrize(
    ("address", "missing"),
    [
        ("hunter22 is no address", "host, user, dbname"),
        ("postgresql:///orders", "host, user"),
        ("", "host, user, dbname"),
    ],
)
def test_an_address_says_everything_itself(db: None, address: str, missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"it has no {missing}") as caught:
        transact(address, "SELECT 1")
    assert "hunter22" not in caught.value.message


def test_what_is_raised_names_neither_server_nor_user(outside: OutsideDatabase) -> None:
    for address in (outside.address_with(password="wrong", dbname="nowhere"), "postgresql://u:p@127.0.0.1:1/orders"):
        with pytest.raises(DatabaseError) as caught:
            transact(address, "SELECT 1")
        assert caught.value.message == 'The database of the secret "orders_dsn" cannot be reached.'
        assert caught.value.__suppress_context__


def test_what_was_done_once_is_not_done_again(outside: OutsideDatabase) -> None:
    operations = [(INSERT, [1, "a"]), "SELECT count(*) AS orders FROM orders"]
    first = transact(outside.address, *operations, once="run:1:save")
    again = transact(outside.address, *operations, once="run:1:save")
    other = transact(outside.address, (INSERT, [2, "b"]), once="run:2:save")

    assert first == again
    assert again[1]["rows"] == [{"orders": 1}]
    assert other[0]["rowCount"] == 1
    assert ids(outside) == [1, 2]
    assert outside.query("SELECT key FROM bifrost_steps ORDER BY 1") == [("run:1:save",), ("run:2:save",)]


def test_what_failed_once_is_done_again(outside: OutsideDatabase) -> None:
    with pytest.raises(DatabaseError):
        transact(outside.address, (INSERT, [1, "a"]), "SELECT 1/0", once="key")
    assert transact(outside.address, (INSERT, [1, "a"]), once="key")[0]["rowCount"] == 1
    assert ids(outside) == [1]


def test_of_several_at_once_under_one_key_one_does_it_and_all_are_told(outside: OutsideDatabase) -> None:
    target = Target("orders_dsn", outside.address, platform_identity())
    operations = [("SELECT pg_sleep(0.1)", None), (INSERT, [1, "a"])]

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(databases.transact(target, operations, once="key", most_bytes=1000) for _ in range(5))
        )

    results = asyncio.run(all_at_once())

    assert all(result == results[0] for result in results)
    assert ids(outside) == [1]


def test_a_role_that_may_make_no_table_is_told(outside: OutsideDatabase) -> None:
    outside.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    outside.query(f"ALTER ROLE {outside.role} SET search_path = pg_catalog")
    with pytest.raises(DatabaseError, match="The table bifrost_steps, which exactly_once needs, could not be made: "):
        transact(outside.address, "SELECT 1", once="key")
