"""The engine's statements that go together: one transaction, whole or not at all, in one round trip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from django.db import transaction

from workflows_app.engine import connection

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = b"INSERT INTO public.noted VALUES (%(number)s) RETURNING number, pg_current_xact_id()::text"


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    connection.raw().execute("CREATE TABLE public.noted (number int CHECK (number > 0))")
    yield
    connection.raw().execute("DROP TABLE public.noted")


def noted() -> list[Any]:
    return [row[0] for row in connection.raw().execute("SELECT number FROM public.noted ORDER BY 1")]


def calls(*numbers: int) -> list[tuple[bytes, dict[str, Any]]]:
    return [(INSERT, {"number": number}) for number in numbers]


def test_rows_come_in_the_order_of_their_statements_from_one_transaction() -> None:
    answers = connection.execute_together(calls(1, 2, 3))

    assert [rows[0][0] for rows in answers] == [1, 2, 3]
    assert len({rows[0][1] for rows in answers}) == 1, "one transaction"
    assert noted() == [1, 2, 3]


def test_it_is_durable_when_the_answer_is_there() -> None:
    connection.execute_together(calls(1, 2))

    with psycopg.connect(django_connection.connection.info.dsn, autocommit=True) as other:
        assert other.execute("SELECT count(*) FROM public.noted").fetchone() == (2,)


@pytest.mark.parametrize("numbers", [(0,), (0, 1, 2), (1, 0, 2), (1, 2, 0), (*range(1, 300), 0)])
def test_where_one_is_refused_none_is_done_and_the_connection_goes_on(numbers: tuple[int, ...]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute_together(calls(*numbers))

    assert noted() == []
    assert connection.execute_together(calls(7, 8))
    assert noted() == [7, 8]


def test_within_a_transaction_what_fails_leaves_the_rest_of_it() -> None:
    with transaction.atomic():
        connection.execute_together(calls(1))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute_together(calls(2, 0))
        connection.execute_together(calls(3))

    assert noted() == [1, 3]


def test_a_lost_connection_is_said_to_be_away_and_replaced() -> None:
    connection.execute_together(calls(1, 2))
    connection.raw().close()

    with pytest.raises(connection.DatabaseAway):
        connection.execute_together(calls(3, 4))

    connection.execute_together(calls(5))
    assert noted() == [1, 2, 5]
