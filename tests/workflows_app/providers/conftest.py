"""A workspace with data providers, and threads that ask them as web threads do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections

from integrations import configs
from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace, caller, engine_stops, workspace  # noqa: F401
from tests.workflows_app.providers import gates
from workflows_app import catalog
from workflows_app.providers import asking
from workflows_app.providers.options import Options

PRELUDE = "from tests.workflows_app.providers import gates\n"
Add = Callable[[str], None]


@pytest.fixture
def add(workspace: Workspace, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:  # noqa: F811
    """Puts data providers (and workflows) into the test's workspace; nothing of them is left afterwards."""
    monkeypatch.setattr(configs, "_layers", configs._Layers())
    gates.reset()
    asking.stop()

    def put(source: str, file: str = "data_providers/samples.py") -> None:
        lines = source.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        workspace.add("\n".join([PRELUDE, *(line[indent:] for line in lines)]), file)
        assert [problem for problem in catalog.current().problems if problem.file != "."] == []

    yield put
    gates.opened.set()
    asking.stop()


@pytest.fixture
def bounds(settings: Any) -> Callable[..., None]:
    """Changes what providers may take, before the first of them runs."""

    def change(**values: Any) -> None:
        settings.PROVIDERS = {**django_settings.PROVIDERS, **values}
        asking.stop()

    return change


def values(options: Options) -> list[Any]:
    return [option.value for option in options.options]


def asked_in_a_thread(organization: OrganizationRecord, name: str, **how: Any) -> Future[Options]:
    """What `options_of` gives to another thread."""
    future: Future[Options] = Future()

    def ask() -> None:
        try:
            future.set_result(asking.options_of(organization, name, **how))
        except Exception as error:  # noqa: BLE001  the test looks at it
            future.set_exception(error)
        finally:
            connections.close_all()

    caller(ask)
    return future
