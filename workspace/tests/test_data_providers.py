"""Options that ship, from services that the test plays."""

from __future__ import annotations

import pytest

import bifrost
from bifrost import IntegrationError
from bifrost.testing import RecordingContext
from workspace.data_providers.halopsa import get_halo_clients


class Halo:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def get_clients(self) -> list[dict[str, object]]:
        if self.error:
            raise self.error
        return [
            {"id": 12, "name": "globex", "toplevel_name": "Customers", "main_site_name": "Oslo", "inactive": False},
            {"id": 13, "name": "Acme"},
            {"id": 14, "name": "Gone", "inactive": True},
        ]


def connected(halo: Halo) -> RecordingContext:
    return bifrost.testing.context(integrations={"halopsa": halo})


@pytest.mark.asyncio
async def test_active_halo_clients_are_options_by_name() -> None:
    assert await get_halo_clients(connected(Halo())) == [
        {"label": "Acme", "value": "13", "metadata": {"toplevel": None, "site": None}},
        {"label": "globex", "value": "12", "metadata": {"toplevel": "Customers", "site": "Oslo"}},
    ]


@pytest.mark.asyncio
async def test_an_error_is_logged_and_gives_no_options() -> None:
    context = connected(Halo(IntegrationError("Halo is away", "halopsa", 503)))

    assert await get_halo_clients(context) == []

    (log,) = [record for record in context.records if record.kind == "log"]
    assert (log.name, log.data["data"]) == ("error", {"error": "Halo is away"})  # type: ignore[index,call-overload]
