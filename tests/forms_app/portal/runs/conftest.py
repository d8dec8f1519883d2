"""A customer's people."""

from __future__ import annotations

import pytest

from orgs.models import User
from orgs.records import OrganizationRecord
from tests.factories import make_user


@pytest.fixture
def grace(acme: OrganizationRecord) -> User:
    """A requester of acme."""
    return make_user(acme, "requester", email="grace@acme.example", name="Grace")


@pytest.fixture
def olga(acme: OrganizationRecord) -> User:
    """An operator of acme, who may see everything and approve."""
    return make_user(acme, "operator", email="olga@acme.example", name="Olga")
