from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import configs, secrets
from orgs.records import OrganizationRecord
from tests.workflows_app.rest.conftest import Api, ApiOf, api, api_of, workspace  # noqa: F401


@pytest.fixture(autouse=True)
def nothing_before(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(configs, "_layers", configs._Layers())
    for organization in (acme, globex, msp):
        secrets.prepare_organization(organization)
    yield
    secrets.reset()


@pytest.fixture
def msp_api(api_of: ApiOf, msp: OrganizationRecord) -> Api:  # noqa: F811
    return api_of(msp, **{"X-Organization-Id": "msp"})
