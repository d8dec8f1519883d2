"""How many statements a read takes, and that none of them reads a whole table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import following
from workflows_app.models import Execution

from .conftest import Api
from .rows import make_events, make_execution, make_many


def statements(api: Api, path: str) -> list[str]:
    """The queries of a request, without those that set the schema, once token and organization are remembered."""
    assert api.get(path).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        api.get(path)
    return [query["sql"] for query in captured if not query["sql"].startswith("SET search_path")]


@pytest.mark.parametrize(("below", "number"), [("", 1), ("/{}", 4), ("/{}/logs", 2), ("/{}/journal", 2)])
def test_the_number_of_statements_does_not_grow(api: Api, acme: OrganizationRecord, below: str, number: int) -> None:
    made = make_execution(acme)
    path = f"/api/executions{below.format(made)}"
    assert len(statements(api, path)) == number
    for _ in range(5):
        make_execution(acme, parent=made)
    make_events(acme, made, *(("log", "info", {"message": "m", "data": None}) for _ in range(20)))
    assert len(statements(api, path)) == number


def test_reading_the_catalog_asks_the_database_nothing(api: Api) -> None:
    assert statements(api, "/api/workflows") == statements(api, "/api/workflows/greet") == []


@pytest.fixture
def ten_thousand(acme: OrganizationRecord) -> UUID:
    """One of them, from the middle."""
    make_many(acme, 10_000)
    with org_context(acme):
        return Execution.objects.order_by("id")[5_000].id


def plan(organization: OrganizationRecord, statement: str) -> list[dict[str, Any]]:
    """The nodes of the statement's plan."""
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        answer = cursor.fetchone()[0]
    document = answer if isinstance(answer, list) else json.loads(answer)
    return list(nodes(document[0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "?status=Failed",
        "?workflow=workflow_3",
        "?workflow=none",
        "?status=Cancelled",
        "?cursor={}",
        "?cursor={}&status=Failed&workflow=workflow_3",
        "?since=2100-01-01",
        "/{}",
        "/{}/logs",
        "/{}/journal?after=1",
    ],
)
def test_reads_use_indexes_and_touch_few_rows(
    api: Api, acme: OrganizationRecord, ten_thousand: UUID, path: str
) -> None:
    for statement in statements(api, f"/api/executions{path.format(ten_thousand)}"):
        found = plan(acme, statement)
        assert not [
            node for node in found if node["Node Type"] == "Seq Scan" and "workflows_app" in node["Relation Name"]
        ]
        assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in found) < 2_000, statement


def test_the_last_of_a_chain_is_found_by_indexes(acme: OrganizationRecord, ten_thousand: UUID) -> None:
    with org_context(acme):
        last = Execution.objects.filter(id__gt=ten_thousand).order_by("id")[0].id
        Execution.objects.filter(id__lt=ten_thousand).update(chain=ten_thousand, continued_as=ten_thousand)
        Execution.objects.filter(id=ten_thousand).update(continued_as=last)
        Execution.objects.filter(id=last).update(chain=ten_thousand)
        with CaptureQueriesContext(connection) as captured:
            assert following.last_of(ten_thousand).get().id == last
    found = plan(acme, captured[-1]["sql"])
    assert not [node for node in found if node["Node Type"] == "Seq Scan"]
    assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in found) < 2_000
