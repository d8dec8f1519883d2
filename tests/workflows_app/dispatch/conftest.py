"""A worker that claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tests.workflows_app.dispatch.claiming import Take
from workflows_app.dispatch import claims, settled, workers
from workflows_app.dispatch.claims import FIRST, Claim, Wish, claim
from workflows_app.engine.connection import raw


@pytest.fixture
def prepared_for_claims(transactional_db: None) -> Iterator[None]:
    claims.prepare_connection(raw())
    yield
    settled.forget()
    connection.close()


@pytest.fixture
def worker(prepared_for_claims: None) -> UUID:
    return workers.register("worker", 100)


@pytest.fixture
def take(worker: UUID) -> Take:
    def taken(free: int, **values: Any) -> list[Claim]:
        wish = {"each": free, "after": FIRST, "held": {}, "alone": True, "limits": settled.any_limits(), **values}
        return claim(raw(), Wish(worker=worker, free=free, **wish))[0]

    return taken
