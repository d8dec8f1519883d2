from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bifrost.testing import RecordingContext, context
from integrations.connectwise.client import ConnectWise
from tests.integrations.connectwise.server import CLIENT, COMPANY, PRIVATE, PUBLIC, ConnectWiseServer
from tests.integrations.vendor import served

Make = Callable[..., RecordingContext]


@pytest.fixture
def cw_server() -> Iterator[ConnectWiseServer]:
    server = ConnectWiseServer()
    with served(server):
        yield server


@pytest.fixture
def connected(cw_server: ConnectWiseServer) -> Make:
    """A context of an organization that is connected to the server."""

    def make(config: dict[str, Any] | None = None, **arguments: Any) -> RecordingContext:
        own = {
            "connectwise_url": cw_server.url,
            "cw_company_id": COMPANY,
            "cw_public_key": PUBLIC,
            "cw_client_id": CLIENT,
            "connectwise_company": "acme",
            "connectwise_board": "Help Desk",
        }
        given = {"secrets": {"cw_private_key": PRIVATE}, "integrations": {"connectwise": ConnectWise}, **arguments}
        return context(config={**own, **(config or {})}, **given, http=httpx.AsyncHTTPTransport())

    return make


@pytest.fixture
def cw(connected: Make) -> Any:
    return connected().get_integration("connectwise")
