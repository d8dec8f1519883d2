"""A served web process, with times shortened, and people of Acme who have signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.db import connections

from orgs.records import OrganizationRecord
from tests.factories import make_user
from tests.workflows_app.engine.conftest import engine_stops, run, workspace
from tests.workflows_app.live.listening import Listener, Served, cookies_of, serving
from workflows_app.live import watching
from workflows_app.live.looking import Found, Watched

__all__ = ["engine_stops", "run", "workspace"]


@pytest.fixture
def live_settings(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes them for the processes that are served from now on."""
    # Threads of the web close their connections with each request: one that stays would keep the database.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)

    def change(**values: Any) -> None:
        settings.LIVE = {**django_settings.LIVE, **values}

    return change


@pytest.fixture
def served(live_settings: Callable[..., None]) -> Iterator[Served]:
    with serving() as made:
        yield made


Listen = Callable[..., Listener]


@pytest.fixture
def listen(transactional_db: None, acme: OrganizationRecord) -> Iterator[Listen]:
    """Somebody who sees all of Acme's executions listens to one of them; hangs up in the end."""
    listeners = []
    cookies = cookies_of(make_user(acme, "viewer"))

    def begin(served: Served, execution: UUID | str, query: str = "", **fields: Any) -> Listener:
        organization = fields.pop("organization", acme)
        listener = Listener(served.path(organization, execution, query), fields.pop("cookies", cookies), **fields)
        listeners.append(listener)
        return listener

    yield begin
    for listener in listeners:
        listener.hang_up()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[set[UUID]]:
    """What each look of the watching thread asked for."""
    seen: list[set[UUID]] = []
    look = watching.look

    def noticed(watched: Sequence[Watched]) -> list[Found]:
        seen.extend(set(executions) for _, executions in watched)
        return look(watched)

    monkeypatch.setattr(watching, "look", noticed)
    return seen
