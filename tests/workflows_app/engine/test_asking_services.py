"""Runs that ask outside services: what is a step by itself, what is recorded, and what spares the service."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from integrations import breakers
from integrations.models import CircuitBreaker
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.vendor import Asked, Fault, Reply, Vendor, served
from tests.workflows_app.engine.conftest import Run, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import queries


class Crm(Vendor):
    """Makes users; lets in who has the token that it gave last."""

    token = ""

    def reply(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            self.token = f"token-of-the-crm-{len(self.asked_for('POST', '/token'))}"
            return Reply(json={"token": self.token})
        if asked.path.startswith("/closed") and asked.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(401, {"message": "expired"})
        made = len(self.asked_for("POST", "/users"))
        return Reply(201 if asked.method == "POST" else 200, {"id": made, "password": "initial-Passw0rd"})


@pytest.fixture
def crm(settings: Any) -> Iterator[Crm]:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    breakers.forget()
    vendor = Crm()
    with served(vendor):
        yield vendor
    breakers.forget()


CREATE = """
    @workflow(execution_mode="async")
    async def example(context, url):
        crm = context.http("crm", base_url=url)
        before = (await crm.get("/users")).json()
        user = (await crm.post("/users", json={"name": "Ann"})).json()
        context.log("info", f"made {user['id']}")
        await context.wait_for_signal("go")
        again = (await crm.get("/users")).json()
        return {"user": user["id"], "again": again["id"], "password": user["password"]}
"""


def test_a_run_that_resumes_reads_again_and_does_not_send_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(CREATE)
    engine = worker.start()
    outcome = worker.submit("example", url=crm.url)
    wait_suspended(acme, outcome)

    signal(acme, outcome, "go")
    end = worker.end_of(acme, outcome)

    assert engine is not None
    assert end.result == {"user": 1, "again": 1, "password": "initial-Passw0rd"}
    assert len(crm.asked_for("POST", "/users")) == 1
    assert len(crm.asked_for("GET", "/users")) == 3


def test_the_record_shows_each_request_once_and_no_password(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(CREATE)
    worker.start()
    outcome = worker.submit("example", url=crm.url)
    wait_suspended(acme, outcome)
    signal(acme, outcome, "go")
    worker.end_of(acme, outcome)

    record = queries.get_execution(acme, UUID(outcome.execution_id), exact=False)

    assert [(call["method"], call["endpoint"], call["status_code"]) for call in record["integrationCalls"]] == [
        ("GET", "/users", 200),
        ("POST", "/users", 201),
        ("GET", "/users", 200),
    ]
    assert "initial-Passw0rd" not in str(journal(acme, outcome))
    ((_, name, data), *_) = [line for line in journal(acme, outcome, "step") if line[2]["state"] == "done"]
    assert (name, data["implicit"], data["value"]["json"]) == (
        "crm POST /users",
        True,
        {"id": 1, "password": "REDACTED"},
    )


def test_a_request_alone_does_not_make_a_run_resumable(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, url):
            await context.http("crm", base_url=url).post("/users", json={})
            context.save_checkpoint("made")
            await asyncio.sleep(30)
        """
    )
    engine = worker.start()
    outcome = worker.submit("example", url=crm.url)
    eventually(lambda: journal(acme, outcome, "checkpoint"), "checkpoint")

    lose(engine)

    assert recorded(acme, outcome).status == "Failed"
    assert recorded(acme, outcome).error["error"] == "WorkerLost"
    assert len(crm.asked) == 1


def test_what_a_service_refused_is_refused_again_when_the_run_resumes(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, url):
            try:
                await context.http("crm", base_url=url).post("/users", json={})
            except IntegrationError as error:
                refused = [error.status_code, error.message, error.details["code"]]
            await context.wait_for_signal("go")
            return refused
        """
    )
    crm.faults.append(Fault(Reply(409, {"error": {"code": "Duplicate", "message": "Ann exists"}})))
    worker.start()
    outcome = worker.submit("example", url=crm.url)
    wait_suspended(acme, outcome)

    signal(acme, outcome, "go")

    refused = [409, "crm: POST /users was answered with 409 Conflict: Ann exists", "Duplicate"]
    assert worker.end_of(acme, outcome).result == refused
    assert len(crm.asked) == 1


INTEGRATION = """
    class Closed(BaseIntegration):
        integration_name = "closed"

        async def authenticate(self):
            key = await self.get_secret("closed_key")
            return (await self.http_client.post("/token", json={"key": key})).json()["token"]

        async def make(self, name):
            return (await self.http_client.post("/closed", json={"name": name})).json()

        async def leak(self):
            return dict((await self.http_client.get("/closed")).request.headers)

    @workflow
    async def example(context):
        closed = context.get_integration("Closed")
        first = await closed.make("Ann")
        return [first["id"], (await closed.make("Bob"))["id"]]

    @workflow
    async def leaking(context):
        headers = await context.get_integration("closed").leak()
        context.log("info", "headers", headers)
        return headers["authorization"]
"""


@pytest.fixture
def closed(workspace: Workspace, acme: OrganizationRecord, crm: Crm) -> Crm:
    from integrations.configs import set_config

    workspace.add(INTEGRATION, "integrations/closed.py")
    set_config(acme, "closed_api_url", crm.url)
    write_secret(acme, "closed_key", "the-key-to-the-crm")
    return crm


def test_an_integration_of_the_workspace_signs_in_once(run: Run, acme: OrganizationRecord, closed: Crm) -> None:
    outcome = run("example")

    assert outcome.result == [0, 0]
    assert [asked.path for asked in closed.asked] == ["/token", "/closed", "/closed"]
    assert [name for _, name, _ in journal(acme, outcome, "step")] == ["closed POST /closed"] * 2


def test_a_token_that_expires_midway_is_replaced(run: Run, closed: Crm) -> None:
    closed.faults.extend([Fault(effect=True), Fault(effect=True), Fault(Reply(401, {"message": "expired"}))])

    outcome = run("example")

    assert outcome.status == "Success"
    assert [asked.path for asked in closed.asked] == ["/token", "/closed", "/closed", "/token", "/closed"]


def test_the_token_that_it_got_is_nowhere_in_the_record(run: Run, acme: OrganizationRecord, closed: Crm) -> None:
    outcome = run("leaking")

    assert outcome.status == "Success"
    shown = str(journal(acme, outcome)) + str(recorded(acme, outcome).result)
    assert closed.token not in shown
    assert "the-key-to-the-crm" not in shown


def test_one_that_has_no_file_is_a_configuration_error(run: Run, workspace: Workspace) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            context.get_integration("acme_erp")
        """
    )

    outcome = run("example")

    assert outcome.error == {
        "error": "ConfigurationError",
        "message": 'There is no integration "acme_erp"',
        "details": {"config_key": "acme_erp"},
    }


ASK = """
    @workflow
    async def example(context, url, times=1, **options):
        crm = context.http("crm", base_url=url, retry_policy={"max_attempts": 1})
        told = []
        for _ in range(times):
            try:
                told.append((await crm.get("/users")).status_code)
            except IntegrationError as error:
                told.append(error.error_type)
        return told
"""


def test_a_service_that_fails_often_is_not_asked_any_more(
    run: Run, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(ASK)
    crm.faults.extend([Fault(Reply(503))] * 5)

    assert run("example", url=crm.url, times=6).result == ["IntegrationError"] * 5 + ["CircuitBreakerOpen"]

    assert len(crm.asked) == 5
    with org_context(acme):
        breaker = CircuitBreaker.objects.get()
    assert (breaker.service, breaker.state, breaker.reason) == ("crm", "open", "IntegrationError 503")


def test_refusals_and_missing_objects_open_no_circuit(run: Run, workspace: Workspace, crm: Crm) -> None:
    workspace.add(ASK)
    crm.faults.extend([Fault(Reply(404))] * 6)

    assert run("example", url=crm.url, times=7).result == ["IntegrationError"] * 6 + [200]


def test_another_organization_s_circuit_is_its_own(
    run: Run, workspace: Workspace, globex: OrganizationRecord, crm: Crm
) -> None:
    from tests.workflows_app.engine.conftest import ADA
    from workflows_app.executions import Start, submit

    workspace.add(ASK)
    crm.faults.extend([Fault(Reply(503))] * 5)
    run("example", url=crm.url, times=5)

    assert submit(Start(globex, "example", {"url": crm.url}, ADA)).result == [200]


def test_a_private_address_is_refused_unless_it_is_allowed(
    run: Run, workspace: Workspace, crm: Crm, settings: Any
) -> None:
    workspace.add(ASK)
    settings.PRIVATE_NETWORKS = []

    assert run("example", url=crm.url).result == ["IntegrationError"]
    assert crm.asked == []


def test_a_plain_function_asks_blocking(run: Run, workspace: Workspace, acme: OrganizationRecord, crm: Crm) -> None:
    workspace.add(
        """
        @workflow
        def example(context, url):
            crm = context.http("crm", base_url=url)
            return [crm.post("/users", json={}).status_code, crm.get("/users").json()["id"]]
        """
    )

    outcome = run("example", url=crm.url)

    assert outcome.result == [201, 1]
    assert [name for _, name, _ in journal(acme, outcome, "step")] == ["crm POST /users"]


def test_requests_side_by_side_keep_their_own_answers_when_the_run_resumes(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, url):
            crm = context.http("crm", base_url=url)
            async def make(name):
                return (await crm.post(f"/users?name={name}", json={"name": name})).json()["id"]
            ids = await asyncio.gather(*(make(name) for name in "abc"))
            await context.wait_for_signal("go")
            return ids
        """
    )
    worker.start()
    outcome = worker.submit("example", url=crm.url)
    wait_suspended(acme, outcome)
    first = {
        data["arguments"]["args"][2]["name"]: data["value"]["json"]["id"]
        for _, _, data in journal(acme, outcome, "step")
        if data["state"] == "done"
    }

    signal(acme, outcome, "go")

    assert worker.end_of(acme, outcome).result == [first[name] for name in "abc"]
    assert len(crm.asked) == 3


def test_what_an_author_tells_of_a_tracked_request_is_that_request(
    run: Run, workspace: Workspace, acme: OrganizationRecord, crm: Crm
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context, url):
            response = await context.http("crm", base_url=url).get("/users")
            context._track_integration_call("crm", "GET", "/users", response.status_code, 12)
            context._track_integration_call("other", "POST", "/things", 201, 3)
        """
    )

    outcome = run("example", url=crm.url)

    record = queries.get_execution(acme, UUID(outcome.execution_id))
    assert [(call["integration"], call["endpoint"]) for call in record["integrationCalls"]] == [
        ("crm", "/users"),
        ("other", "/things"),
    ]
