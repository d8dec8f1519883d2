"""Clients that speak to the API with a token, and a workspace for them to see."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from orgs.records import OrganizationRecord
from tests.factories import make_token
from workflows_app import catalog, executions
from workflows_app.executions import Outcome, Start

SOURCE = """
    from bifrost import OrganizationContext, param, workflow

    @workflow(name="greet", description="Greets someone", category="examples", tags=["demo", "hello"])
    @param("message", "string", "What to say", required=True)
    async def greet(context: OrganizationContext, message: str, times: int = 1) -> dict:
        context.log("info", f"Greeting {times} times", {"message": message})
        context.save_checkpoint("greeted", {"times": times})
        context.set_variable("times", times)
        return {"text": message.upper() * times, "org": context.org_id}

    @workflow(name="whole_fleet", category="reporting", requires_org=False)
    async def whole_fleet(context):
        return context.org_id
"""


class Api:
    """A client with fixed headers. `post` takes bytes, or a value that it sends as JSON."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers = headers

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(path, headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        kind = headers.pop("content_type", "application/json")
        return self.client.post(path, data, content_type=kind, headers={**self.headers, **headers})


def refusal(response: HttpResponse) -> tuple[int, str]:
    """Status and kind of an error, once it has been made sure that it has the one shape."""
    body = response.json()
    assert set(body) == {"executionId", "status", "error", "message", "details"}, body
    assert isinstance(body["message"], str) and body["message"]
    assert isinstance(body["details"], dict)
    return response.status_code, body["error"]


@pytest.fixture
def workspace(tmp_path: Path, settings: Any) -> Path:
    settings.WORKSPACE = tmp_path / "workspace"
    directory: Path = settings.WORKSPACE / "workflows"
    directory.mkdir(parents=True)
    (directory / "examples.py").write_text(textwrap.dedent(SOURCE))
    catalog.refresh()
    return directory


ApiOf = Callable[..., Api]


@pytest.fixture
def api_of(workspace: Path) -> ApiOf:
    """A client with a new token of the organization: all permissions of an admin, or those named."""

    def make(organization: OrganizationRecord, *permissions: str, **headers: str) -> Api:
        return Api(Authorization=f"Bearer {make_token(organization, permissions or None)}", **headers)

    return make


@pytest.fixture
def api(api_of: ApiOf, acme: OrganizationRecord) -> Api:
    """Acme's client."""
    return api_of(acme)


class Starts:
    """Stands in for `executions.submit`: keeps what it is given, and answers or raises as told."""

    def __init__(self) -> None:
        self.seen: list[Start] = []
        self.answer: Outcome | Exception = Outcome("019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "Success", {"a": 1}, None, 7)

    def submit(self, start: Start) -> Outcome:
        self.seen.append(start)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Starts]:
    stand_in = Starts()
    monkeypatch.setattr(executions, "submit", stand_in.submit)
    yield stand_in
