from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bifrost.testing import RecordingContext, context
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.routes import TENANT
from tests.integrations.msgraph.server import CLIENT_ID, CLIENT_SECRET, Graph, graph_served

Connect = Callable[..., RecordingContext]


@pytest.fixture
def graph() -> Iterator[Graph]:
    """Microsoft's side."""
    with graph_served() as served:
        yield served


@pytest.fixture
def connect(graph: Graph) -> Connect:
    """A context whose organization is connected to it, unless it is told otherwise."""

    def connected(
        integration: Any = MicrosoftGraph, *, config: dict[str, Any] | None = None, **arguments: Any
    ) -> RecordingContext:
        known = {
            "msgraph_client_id": CLIENT_ID,
            "msgraph_url": f"{graph.url}/v1.0",
            "msgraph_login_url": graph.url,
            **(config or {}),
        }
        given = {"secrets": {"msgraph_client_secret": CLIENT_SECRET}, "tenant_id": TENANT, **arguments}
        return context(
            config={key: value for key, value in known.items() if value is not None},
            integrations={"msgraph": integration},
            http=httpx.AsyncHTTPTransport(),
            **given,
        )

    return connected


@pytest.fixture
def client(connect: Connect) -> MicrosoftGraph:
    made: MicrosoftGraph = connect().get_integration("msgraph")
    return made


def calls(ctx: RecordingContext) -> list[dict[str, Any]]:
    return [record.data for record in ctx.records if record.kind == "integration_call"]
