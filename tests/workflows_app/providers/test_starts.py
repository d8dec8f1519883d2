"""What starts a run is asked whether it chose what is offered; what goes on, or was accepted once, never is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from bifrost.sdk.errors import ValidationError
from orgs.records import OrganizationRecord
from tests.factories import make_token
from tests.workflows_app.engine.conftest import ADA, engine_stops  # noqa: F401
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add
from tests.workflows_app.rest.conftest import refusal
from workflows_app import catalog, retrying
from workflows_app.errors import ProviderFailed
from workflows_app.executions import Start, submit, submit_all
from workflows_app.models import Execution
from workflows_app.providers.checking import Chosen

SOURCE = """
    @data_provider(name="departments", cache_ttl_seconds=0)
    async def departments(context):
        gates.called()
        if gates.opened.is_set():
            raise IntegrationError("The directory is away")
        return [{"label": "IT", "value": "it"}]

    @workflow(name="assign")
    @param("department", "string", "Where to", data_provider="departments")
    async def assign(context, department=None):
        return department

    @workflow(name="outer")
    async def outer(context):
        return await context.execute_workflow("assign", {"department": "of the author"})

    @workflow(name="plain")
    async def plain(context):
        return 1
"""


@pytest.fixture(autouse=True)
def source(engine_stops: None, add: Add) -> Iterator[None]:  # noqa: F811
    add(SOURCE, "workflows/samples.py")
    yield


def start(organization: OrganizationRecord, department: str | None, **more: Any) -> Start:
    return Start(organization, "assign", {"department": department}, ADA, **more)


def post(organization: OrganizationRecord, body: dict[str, Any], **headers: str) -> Any:
    all_headers = {"Authorization": f"Bearer {make_token(organization)}", **headers}
    return Client().post("/api/workflows/assign", json.dumps(body), "application/json", headers=all_headers)


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("run_workflow", *arguments, "--org", "acme", stdout=said, stderr=StringIO())
    return said.getvalue().strip()


def executions() -> int:
    from orgs import directory
    from orgs.tenancy import org_context

    acme = directory.organization_by_org_id("acme")
    assert acme is not None
    with org_context(acme):
        return Execution.objects.count()


def test_the_api_refuses_what_is_not_offered(acme: OrganizationRecord) -> None:
    assert post(acme, {"department": "it"}).json()["result"] == "it"
    refused = post(acme, {"department": "IT"})
    assert refusal(refused) == (400, "ValidationError")
    assert refused.json()["details"] == {
        "field": "department",
        "errors": [{"field": "department", "message": "is not among the options"}],
    }
    assert executions() == 1


def test_where_the_provider_fails_the_api_says_so_and_not_that_the_value_is_wrong(acme: OrganizationRecord) -> None:
    gates.opened.set()
    answer = post(acme, {"department": "it"})
    assert refusal(answer) == (503, "ServiceUnavailable")
    assert "directory is away" not in answer.content.decode()
    assert executions() == 0
    # Who chooses nothing needs no options.
    assert post(acme, {}).status_code == 200


def test_the_command_does_as_well() -> None:
    assert command("assign", "-p", "department=it") == '"it"'
    with pytest.raises(CommandError, match="department: is not among the options"):
        command("assign", "-p", "department=IT")
    gates.opened.set()
    with pytest.raises(CommandError, match='ServiceUnavailable: The options of "departments" cannot be loaded'):
        command("assign", "-p", "department=it")


def test_a_form_s_start_does_as_well(acme: OrganizationRecord) -> None:
    with pytest.raises(ValidationError, match="is not among the options"):
        submit(start(acme, "IT", trigger={"type": "form"}))


@pytest.mark.parametrize("kind", ["api", "form", "command"])
def test_who_has_just_looked_is_not_asked_again_and_nothing_else_is_taken_for_it(
    acme: OrganizationRecord, kind: str
) -> None:
    found = [Chosen("where", "departments", {}, "it")]
    assert submit(start(acme, "it", trigger={"type": kind}, chosen=found)).result == "it"
    assert gates.calls == []
    others = [Chosen("department", "others", {}, "IT"), Chosen("department", "departments", {"site": "Oslo"}, "IT")]
    for chosen in (found, others, []):
        with pytest.raises(ValidationError, match="is not among the options"):
            submit(start(acme, "IT", trigger={"type": kind}, chosen=chosen))


@pytest.mark.parametrize("kind", ["schedule", "webhook", "retry", "fork"])
def test_what_nobody_chooses_now_is_not_looked_at(acme: OrganizationRecord, kind: str) -> None:
    assert submit(start(acme, "IT", trigger={"type": kind})).result == "IT"
    [outcome] = submit_all([start(acme, "IT", trigger={"type": kind})])
    assert not isinstance(outcome, Exception)
    assert gates.calls == []


def test_a_child_s_parameters_are_its_parent_s_author_s(acme: OrganizationRecord) -> None:
    assert submit(Start(acme, "outer", {}, ADA)).result == "of the author"
    assert gates.calls == []


def test_starting_again_what_was_accepted_asks_nobody(acme: OrganizationRecord) -> None:
    first = submit(start(acme, "it"))
    gates.opened.set()
    for same_code in (True, False):
        again = retrying.start_again(acme, UUID(first.execution_id), ADA, same_code=same_code)
        assert again.status == "Queued"
    assert len(gates.calls) == 1


def test_the_same_key_answers_with_the_same_execution_whatever_is_offered_now(acme: OrganizationRecord) -> None:
    first = submit(start(acme, "it", idempotency_key="once"))
    gates.opened.set()
    again = submit(start(acme, "it", idempotency_key="once"))
    assert again.execution_id == first.execution_id
    with pytest.raises(ProviderFailed):
        submit(start(acme, "it", idempotency_key="another"))


def test_a_workflow_without_data_providers_asks_nobody(acme: OrganizationRecord) -> None:
    gates.opened.set()
    assert submit(Start(acme, "plain", {}, ADA)).result == 1
    assert catalog.find("plain").spec.parameters == ()
