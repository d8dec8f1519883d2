"""/api/schema and /api/docs: the document is valid, complete, and every answer conforms to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bifrost.schema import document
from bifrost.sdk.cards import card_of
from forms_app import versions
from integrations.configs import set_config
from integrations.oauth import connections
from integrations.secrets import delete_secret, list_secrets, prepare_organization, write_secret
from orgs.models import ApiToken
from orgs.records import OrganizationRecord
from tests.factories import make_actor, make_token
from tests.workflows_app.alerts.rows import make_alert, make_notice, notices
from tests.workflows_app.approvals.rows import make_approval, make_question
from tests.workflows_app.webhooks.rows import make_delivery
from workflows_app import catalog
from workflows_app.alerts.notices import Recipient
from workflows_app.files.checking import Checked
from workflows_app.files.storing import store_for_run
from workflows_app.providers import asking, health
from workflows_app.schedules import settle
from workflows_app.schedules.starting import ACTOR

from .conftest import Starts
from .rows import make_events, make_execution


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(document())
    return made


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in schema["paths"].items() for method, one in methods.items()]


def test_anyone_may_read_it(db: None) -> None:
    response = Client().get("/api/schema")
    assert response.status_code == 200 and response.headers["Content-Type"] == "application/json"
    assert response.json()["openapi"].startswith("3.")


def test_it_describes_every_route_of_the_api(schema: dict[str, Any]) -> None:
    routes = {
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(route))
        for route in _routes(get_resolver().url_patterns)
        if str(route).startswith("api/")
    }
    assert set(schema["paths"]) == routes - {"/api/schema", "/api/docs"}


def _routes(patterns: Any, prefix: str = "") -> list[str]:
    found = []
    for one in patterns:
        route = prefix + str(one.pattern)
        found += _routes(one.url_patterns, route) if hasattr(one, "url_patterns") else [route]
    return found


def test_every_operation_has_its_errors_in_the_one_shape(schema: dict[str, Any]) -> None:
    for path, _, operation in operations(schema):
        wanted = {"400", "401", "403", "404", "405", "500", "503"} if path != "/api/health" else {"400", "405"}
        assert wanted <= set(operation["responses"])
        for code, response in operation["responses"].items():
            if code == "204" or (operation["operationId"], code) == ("getFile", "200"):
                continue
            media = response["content"]["application/json"]
            if int(code) >= 400 and path != "/api/health":
                assert media["schema"] == {"$ref": "#/components/schemas/Error"}
                assert media["examples"]


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema)))
    assert names <= set(schema["components"]["schemas"])


def test_headers_and_credentials_are_described(schema: dict[str, Any]) -> None:
    start = schema["paths"]["/api/workflows/{name}"]["post"]
    headers = {parameter["name"] for parameter in start["parameters"] if parameter["in"] == "header"}
    assert headers == {"X-Organization-Id", "Idempotency-Key"}
    assert "Location" in start["responses"]["202"]["headers"] and "Retry-After" in start["responses"]["429"]["headers"]
    # Any one of them is enough.
    assert start["security"] == [{"token": []}, {"functionsKey": []}, {"session": []}]
    schemes = schema["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer" and schemes["functionsKey"]["name"] == "x-functions-key"
    assert not schema["paths"]["/api/health"]["get"].get("security")


def test_the_docs_page_needs_nothing_from_elsewhere(db: None) -> None:
    page = Client().get("/api/docs")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert sources and all(source.startswith("/static/") for source in sources)
    for source in sources:
        assert Client().get(source).status_code == 200, source


# --- every answer conforms -------------------------------------------------------------------------------------------


OPERATIONS = [
    "getHealth",
    "getWorkflow",
    "getExecution",
    "listExecutionJournal",
    "listExecutionLogs",
    "listExecutions",
    "listWorkflows",
    "uploadFile",
    "getFile",
    "sendSignal",
    "startWorkflow",
    "cancelExecution",
    "retryExecution",
    "forkExecution",
    "listApprovals",
    "getApproval",
    "approve",
    "reject",
    "listWebhooks",
    "rotateWebhook",
    "listWebhookDeliveries",
    "getWebhookDelivery",
    "redeliverWebhook",
    "listConnections",
    "listDataProviders",
    "getDataProviderOptions",
    "listSchedules",
    "getSchedule",
    "putSchedule",
    "deleteSchedule",
    "listAlerts",
    "acknowledgeAlert",
    "resolveAlert",
    "listNotices",
    "readNotice",
    "listAuditEvents",
    "listConfigs",
    "getConfig",
    "putConfig",
    "deleteConfig",
    "listSecrets",
    "putSecret",
    "deleteSecret",
    "listForms",
    "getForm",
    "submitForm",
    "listSubmissions",
]
REPEATABLE: dict[str, Any] = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def execution(acme: OrganizationRecord) -> str:
    """A record with something of everything."""
    error = {"error": "X", "message": "m", "details": {"field": "f"}}
    made = make_execution(acme, variables={"n": 1}, status="Failed", error=error)
    make_execution(acme, parent=made)
    call = {"integration": "x", "method": "GET", "endpoint": "/", "status_code": None, "duration_ms": 1}
    make_events(
        acme,
        made,
        ("status", "Running", None),
        ("log", "info", {"message": "m", "data": None}),
        ("checkpoint", "c", {"a": 1}),
        ("integration_call", "x", {**call, "success": False, "error": "e"}),
        ("error", "X", error),
        ("step", "first", {"state": "done", "place": 0, "digest": "", "value": 1}),
        ("card", "", {**card_of("t", "", {"a": 1}, [{"b": 2}], None, ["/x"], [], "info"), "attempt": 1}),
    )
    return str(made)


CALLED = """
from bifrost import workflow

@workflow(webhook_enabled=True, execution_mode="scheduled", schedule="0 9 * * *")
async def called(context, message: str = ""):
    return None
"""


def known_objects(organization: OrganizationRecord, workspace: Path) -> dict[str, str]:
    """What exists, by the names of path parameters; and an approval of the other kind."""
    make_approval(organization)
    (workspace / "called.py").write_text(CALLED)
    catalog.refresh()
    settle(organization, "called", {}, ACTOR)
    set_config(organization, "timeout", 30, "int")
    own = {"name": "Halo", "provider": "halopsa", "client_id": "c", "client_authentication": "none"}
    connections.create(organization, {**own, "authorize_url": "https://a.example", "token_url": "https://a.example/t"})
    form = versions.create(organization, ACTOR, "greet", slug="hello")
    versions.publish(organization, form, ACTOR)
    make_notice(organization, Recipient(f"token:{ApiToken.objects.get().id}", ""))
    return {
        "file_id": stored(organization),
        "alert_id": str(make_alert(organization, details={"a": [1]})),
        "notice_id": str(notices(organization)[0].id),
        "approval_id": str(make_question(organization, message="Pay?").id),
        "delivery_id": str(make_delivery(organization)),
        "workflow": "called",
        "key": "timeout",
        "slug": "hello",
    }


def stored(organization: OrganizationRecord) -> str:
    """A file that an execution holds, so that whoever sees that may read it."""
    actor, checked = make_actor(), Checked("a.csv", "text/csv", False)
    return str(store_for_run(organization, make_execution(organization), actor, checked, b"a", "1")["fileId"])


@pytest.fixture
def a_secret(acme: OrganizationRecord) -> Iterator[str]:
    """One that is called like a workflow; the vault is no part of the test's transaction."""
    prepare_organization(acme)
    write_secret(acme, "greet", "hunter22")
    yield "greet"
    for name in list_secrets(acme):
        delete_secret(acme, name)


@pytest.fixture
def a_data_provider(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One that is called like a workflow. Its health would be written beside the test's transaction."""
    monkeypatch.setattr(health, "note_success", lambda *_: None)
    source = 'from bifrost import data_provider\n\n@data_provider(name="greet")\ndef greet(context, day=None):\n'
    (workspace / "greetings.py").write_text(f'{source}    return [{{"label": "Hello", "value": 1}}]\n')
    catalog.refresh()
    yield "greet"
    asking.stop()


@pytest.fixture(scope="module")
def application() -> Iterator[WSGIHandler]:
    """The WSGI application, except that it does not close the test's connection with each request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in signals:
        signal.connect(close_old_connections)


def test_all_operations_are_tried(schema: dict[str, Any]) -> None:
    assert sorted(one["operationId"] for _, _, one in operations(schema)) == sorted(OPERATIONS)


@pytest.fixture(scope="module")
def bound(schema: dict[str, Any], application: WSGIHandler) -> BaseSchema:
    made = schemathesis.openapi.from_dict(schema)
    made.app = application
    return made


TRIED = [(operation, GenerationMode.POSITIVE) for operation in OPERATIONS] + [
    (operation, GenerationMode.NEGATIVE)
    for operation in OPERATIONS
    if operation != "getHealth"  # there is nothing to get wrong
]


Conforms = Callable[[str, GenerationMode, int], None]


@pytest.fixture
def conforms(
    bound: BaseSchema, acme: OrganizationRecord, execution: str, workspace: Path, starts: Starts, a_secret: str
) -> Conforms:
    """Sends so many generated requests to an operation, about half of them to what exists."""
    headers = {"Authorization": f"Bearer {make_token(acme)}", "X-Organization-Id": "acme"}
    known = {"execution_id": execution, "name": a_secret, **known_objects(acme, workspace)}

    def send_to(operation: str, mode: GenerationMode, requests: int) -> None:
        statuses = set()

        @given(case=bound.find_operation_by_id(operation).as_strategy(generation_mode=mode), exists=st.booleans())
        @settings(max_examples=requests, **REPEATABLE)
        def send(case: Case, exists: bool) -> None:
            if exists:
                case.path_parameters = {name: known[name] for name in case.path_parameters}
                if mode is GenerationMode.POSITIVE and "step" in (case.query or {}):
                    case.query = {"step": 1}
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)
            statuses.add(response.status_code)

        send()
        assert statuses <= {200, 201, 202, 204, 400, 404, 405, 409, 415}
        # An execution that has ended is not cancelled: 409 shows that it was found. Uploads have tests of their own:
        # that a file needs a name the document cannot say.
        assert mode is GenerationMode.NEGATIVE or operation == "uploadFile" or statuses & {200, 202, 204, 409}

    return send_to


@pytest.mark.usefixtures("a_data_provider")
@pytest.mark.parametrize(("operation", "mode"), TRIED)
def test_every_answer_conforms(conforms: Conforms, operation: str, mode: GenerationMode) -> None:
    conforms(operation, mode, 10)


@pytest.mark.faults
@pytest.mark.usefixtures("a_data_provider")
@pytest.mark.parametrize(("operation", "mode"), TRIED)
def test_every_one_of_many_answers_conforms(conforms: Conforms, operation: str, mode: GenerationMode) -> None:
    conforms(operation, mode, 25)
