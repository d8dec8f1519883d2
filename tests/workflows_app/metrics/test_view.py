"""GET /metrics: who may read it, where, and in which form."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from bifrost import schema
from orgs.models import Domain
from orgs.records import OrganizationRecord
from tests.factories import make_token
from tests.workflows_app.metrics.conftest import TOKEN, Scrape
from workflows_app.metrics.families import ACTIVITY_DURATION, EXECUTIONS_ENDED
from workflows_app.metrics.recording import recorder

pytestmark = pytest.mark.django_db


def get(token: str | None = TOKEN, path: str = "/metrics", **headers: str) -> Any:
    credentials = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Client().get(path, headers={**credentials, **headers})


@pytest.fixture
def configured(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def test_without_a_configured_token_there_is_no_such_address(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for token in (None, "", TOKEN):
        response = get(token)
        assert response.status_code == 404 and response.json()["error"] == "NotFound"


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ünlesbar"])
def test_another_token_or_none_is_refused(configured: None, token: str | None) -> None:
    response = get(token)
    assert response.status_code == 401 and response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["error"] == "Unauthenticated" and b"bifrost_" not in response.content


@pytest.mark.parametrize("header", [TOKEN, f"Basic {TOKEN}", f"Token {TOKEN}"])
def test_the_token_counts_as_a_bearer_token_alone(configured: None, header: str) -> None:
    assert Client().get("/metrics", headers={"Authorization": header}).status_code == 401
    assert Client().get("/metrics", headers={"x-functions-key": TOKEN}).status_code == 401
    assert Client().get(f"/metrics?token={TOKEN}").status_code == 401


def test_tokens_of_organizations_and_of_the_msp_are_none_for_metrics(
    configured: None, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for organization in (acme, msp):
        assert get(make_token(organization)).status_code == 401


def test_the_metrics_token_opens_nothing_else(configured: None, acme: OrganizationRecord) -> None:
    assert get(path="/api/executions", **{"X-Organization-Id": "acme"}).status_code == 401


def test_it_exists_on_the_platforms_host_alone(configured: None, acme: OrganizationRecord) -> None:
    Domain.objects.create(tenant_id=acme.id, domain="acme.localhost")
    assert (
        Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Host": "localhost"}).status_code == 200
    )
    for host, path in (("acme.localhost", "/metrics"), ("localhost", "/o/acme/metrics")):
        assert get(path=path, Host=host).status_code == 404


def test_it_is_read_and_nothing_else(configured: None) -> None:
    assert Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405
    assert "/metrics" not in schema.document().decode()


def test_the_answer_is_prometheus_text(configured: None) -> None:
    recorder.count(EXECUTIONS_ENDED, 'name with "quotes" and \\ and \n', "Success")
    recorder.observe(ACTIVITY_DURATION, 20, "send")

    response = get()

    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = response.content.decode()
    assert "# TYPE bifrost_executions_ended_total counter" in text
    assert "# TYPE activity_duration_ms histogram" in text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    [ended] = [sample for sample in samples if sample.name == "bifrost_executions_ended_total"]
    assert ended.labels == {"workflow": 'name with "quotes" and \\ and \n', "status": "Success"}
    buckets = {s.labels["le"]: s.value for s in samples if s.name == "activity_duration_ms_bucket"}
    assert (buckets["10.0"], buckets["25.0"], buckets["+Inf"]) == (0, 1, 1)


def test_what_nothing_was_counted_of_is_named_all_the_same(scrape: Scrape) -> None:
    found = scrape()
    assert found["bifrost_queue_executions", "Queued"] == 0 and found["bifrost_workers_alive", "worker"] == 0
    assert not any(name.startswith(("activity_", "bifrost_executions_")) for name, *_ in found)


def test_a_scrape_asks_the_database_twice_however_much_there_is(scrape: Scrape) -> None:
    for number in range(200):
        recorder.count(EXECUTIONS_ENDED, f"workflow {number}", "Success")
    scrape()
    with CaptureQueriesContext(connection) as captured:
        found = scrape()
    assert len([1 for name, *_ in found if name == "bifrost_executions_ended_total"]) == 200
    assert len([query for query in captured if " FROM " in query["sql"]]) == 2
