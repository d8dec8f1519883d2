"""The settings of alerts, and the API's clients as the tests of the other routes have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.workflows_app.engine.conftest import worker
from tests.workflows_app.rest.conftest import api, api_of

__all__ = ["api", "api_of", "worker"]

Configure = Callable[..., None]


@pytest.fixture
def configure(settings: Any) -> Configure:
    """Changes the settings of alerts for one test."""

    def change(**values: Any) -> None:
        settings.ALERTS = {**settings.ALERTS, **values}

    return change


@pytest.fixture
def to_ops(configure: Configure) -> None:
    configure(emails=["ops@msp.example"])
