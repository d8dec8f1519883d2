"""The bare commits that the figures stand beside: psycopg and pgbench do the same to the same table."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from bench import commits
from orgs.records import OrganizationRecord


@pytest.fixture
def url(transactional_db: None, acme: OrganizationRecord) -> Iterator[str]:
    """The test database with an empty table."""
    parameters = connection.get_connection_params()
    url = f"postgresql://{parameters['user']}@/{parameters['dbname']}?host={parameters['host']}"
    commits.prepare(url, acme.schema_name)
    yield url
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"DROP TABLE {commits.TABLE}".encode())


def rows(url: str) -> list[tuple[str, int]]:
    with psycopg.connect(url) as database:
        found = database.execute(f"SELECT status, count(*) FROM {commits.TABLE} GROUP BY status".encode()).fetchall()
        return [(str(status), int(count)) for status, count in found]


def test_each_pair_of_commits_leaves_a_finished_row(url: str) -> None:
    document = commits.measure(url, clients=2, seconds=0.3)
    ((status, count),) = rows(url)
    assert status == "Success"
    assert document["per_second"] * 0.3 == pytest.approx(count)
    assert 0 < document["p50_ms"] <= document["p99_ms"]


def test_pgbench_does_the_same(url: str) -> None:
    rate = commits.with_pgbench(url, clients=2, seconds=1)
    assert rate is not None
    ((status, count),) = rows(url)
    assert status == "Success"
    assert count > 0


def test_inserts_alone_are_counted_per_second(url: str) -> None:
    rate = commits.inserts(url, seconds=0.2)
    ((status, count),) = rows(url)
    assert (status, rate * 0.2) == ("Running", pytest.approx(count))
