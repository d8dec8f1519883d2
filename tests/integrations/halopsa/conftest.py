from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bifrost.testing import RecordingContext, context
from integrations.halopsa.client import HaloPSA
from tests.integrations.halopsa.server import CLIENT_ID, CLIENT_SECRET, HaloServer
from tests.integrations.vendor import served

Make = Callable[..., RecordingContext]


@pytest.fixture
def halo_server() -> Iterator[HaloServer]:
    server = HaloServer()
    with served(server):
        yield server


@pytest.fixture
def connected(halo_server: HaloServer) -> Make:
    """A context of an organization that is connected to the server."""

    def make(config: dict[str, Any] | None = None, **arguments: Any) -> RecordingContext:
        return context(
            config={"halopsa_url": halo_server.url, "halo_client_id": CLIENT_ID, **(config or {})},
            **{"secrets": {"halopsa_api_key": CLIENT_SECRET}, "integrations": {"halopsa": HaloPSA}, **arguments},
            http=httpx.AsyncHTTPTransport(),
        )

    return make


@pytest.fixture
def halo(connected: Make) -> Any:
    return connected().get_integration("halopsa")
