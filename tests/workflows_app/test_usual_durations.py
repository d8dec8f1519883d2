"""How long a workflow usually runs."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from tests.workflows_app.rest.rows import make_execution
from workflows_app.usual_durations import LOOKED_AT, usual_seconds


def test_it_is_the_median_of_what_went_well(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    for milliseconds in (1_000, 2_000, 600_000):
        make_execution(acme, duration_ms=milliseconds)
    make_execution(acme, duration_ms=50, status="Failed")
    make_execution(acme, duration_ms=50, trigger={"type": "api", "dryRun": True})
    make_execution(acme, duration_ms=50, workflow="another")
    make_execution(globex, duration_ms=50)
    with CaptureQueriesContext(connection) as captured:
        assert usual_seconds(acme, "greet") == 2.0
    assert sum("workflows_app_execution" in query["sql"] for query in captured) == 1


def test_too_few_say_nothing(acme: OrganizationRecord) -> None:
    assert usual_seconds(acme, "greet") is None
    for _ in range(2):
        make_execution(acme)
    assert usual_seconds(acme, "greet") is None


def test_it_is_the_last_ones_that_count(acme: OrganizationRecord) -> None:
    for _ in range(5):
        make_execution(acme, duration_ms=900_000)
    for _ in range(LOOKED_AT):
        make_execution(acme, duration_ms=3_000)
    assert usual_seconds(acme, "greet") == 3.0
