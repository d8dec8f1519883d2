from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bifrost.testing import RecordingContext, context
from integrations.generic.client import OpenApi
from tests.integrations.generic.server import PASSWORD, TOKEN, USER, PetServer
from tests.integrations.vendor import served

Make = Callable[..., RecordingContext]


@pytest.fixture
def pet_server() -> Iterator[PetServer]:
    server = PetServer()
    with served(server):
        yield server


@pytest.fixture
def make() -> Make:
    def make(**arguments: Any) -> RecordingContext:
        secrets = {"pets_token": TOKEN, "pets_user": USER, "pets_password": PASSWORD}
        return context(
            **{"secrets": secrets, "integrations": {"generic": OpenApi}, **arguments}, http=httpx.AsyncHTTPTransport()
        )

    return make
