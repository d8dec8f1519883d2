"""The samples of the documents' sections about integrations, with nothing supplied but their missing imports."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import httpx
import pytest
from aioresponses import aioresponses

import bifrost
from bifrost.testing import context
from tests.sdk.guide_samples import IMPORTS
from tests.sdk.integration_samples import CONNECTWISE, CUSTOM_API, CUSTOM_API_TEST

MISSING = IMPORTS + "from datetime import datetime\n"


def run_module(source: str, prelude: str = MISSING) -> ModuleType:
    module = ModuleType("guide_sample")
    exec(compile(prelude + source, "guide.py", "exec", dont_inherit=True), module.__dict__)
    return module


@pytest.fixture
def custom() -> ModuleType:
    return run_module(CUSTOM_API)


@pytest.mark.asyncio
async def test_the_custom_integration_in_a_workflow(custom: ModuleType) -> None:
    ctx = context(
        config={"custom_api_url": "https://api.example.com"},
        secrets={"custom_api_key": "k3y-of-the-api"},
        integrations={"custom_api": custom.CustomAPIIntegration},
    )
    with aioresponses() as server:
        server.get("https://api.example.com/users", payload=[{"id": 1}])
        assert await custom.custom_api_example(ctx) == {"users": [{"id": 1}]}

    (call,) = [record.data for record in ctx.records if record.kind == "integration_call"]
    assert (call["integration"], call["endpoint"], call["status_code"], call["success"]) == (
        "custom_api",
        "/users",
        200,
        True,
    )


@pytest.mark.asyncio
async def test_its_failure_is_the_documented_error(custom: ModuleType) -> None:
    ctx = context(config={"custom_api_url": "https://api.example.com"}, secrets={"custom_api_key": "k3y"})
    with aioresponses(), pytest.raises(bifrost.IntegrationError, match="API call failed") as raised:
        await custom.CustomAPIIntegration(ctx).get_data("/users")

    assert raised.value.integration == "custom_api"


@pytest.mark.asyncio
async def test_the_guide_s_own_test_of_it_passes(custom: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "workspace.integrations.custom_api", custom)
    imports = "from unittest.mock import AsyncMock, MagicMock\nfrom aioresponses import aioresponses\n"

    sample = run_module(CUSTOM_API_TEST, imports)

    await sample.test_custom_api_integration()


CW_LOGIC = """
        access_token = f"{company_id}+{public_key}:{private_key}"
        return access_token
"""


def connectwise(server: object) -> tuple[bifrost.testing.RecordingContext, object]:
    module = run_module(CONNECTWISE.replace("        return access_token\n", CW_LOGIC))
    ctx = context(
        config={
            "cw_company_id": "acme",
            "cw_public_key": "public",
            "connectwise_api_url": "https://cw.example.com",
        },
        secrets={"cw_private_key": "private-k3y"},
        integrations={"connectwise": module.ConnectWiseIntegration},
        http=server,
    )
    return ctx, ctx.get_integration("connectwise")


@pytest.mark.asyncio
async def test_the_connectwise_client_of_the_advanced_document() -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, json={"id": 7, "url": "https://cw.example.com/7"})

    _, cw = connectwise(server)

    ticket = await cw.create_ticket("Printer", "It is on fire")  # type: ignore[attr-defined]

    assert ticket["id"] == 7
    assert str(asked[0].url) == "https://cw.example.com/v2022_1/service/tickets"
    assert asked[0].headers["authorization"] == "Bearer acme+public:private-k3y"
    assert json.loads(asked[0].content) == {"summary": "Printer", "description": "It is on fire"}


@pytest.mark.asyncio
async def test_what_the_service_refuses_keeps_its_status_in_the_author_s_own_error() -> None:
    _, cw = connectwise(lambda _: httpx.Response(400, json={"message": "summary is required"}))

    with pytest.raises(bifrost.IntegrationError, match=r"Failed to create ticket: .*summary is required") as raised:
        await cw.create_ticket("", "")  # type: ignore[attr-defined]

    assert raised.value.status_code == 400
