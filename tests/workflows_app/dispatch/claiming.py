"""Rows of the run queue, and what claims take of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from uuid6 import uuid7

from orgs.models import Organization
from orgs.records import OrganizationRecord
from workflows_app.dispatch.claims import Claim
from workflows_app.dispatch.models import Dispatch

Take = Callable[..., list[Claim]]


def queued(organization: OrganizationRecord | UUID, count: int = 1, **values: Any) -> list[UUID]:
    id_ = organization if isinstance(organization, UUID) else organization.id
    rows = [
        Dispatch(**{"execution": uuid7(), "organization": id_, "workflow": "w", "status": "Queued", **values})
        for _ in range(count)
    ]
    Dispatch.objects.bulk_create(rows)
    return [row.execution for row in rows]


def strangers(count: int) -> list[UUID]:
    """Organizations without a schema: the run queue knows nothing of schemas."""
    rows = []
    for number in range(count):
        id_ = uuid7()
        rows.append(Organization(id=id_, org_id=f"o{number}", name="O", schema_name=f"org_{id_.hex}", ready=True))
    Organization.objects.bulk_create(rows)
    return [row.id for row in rows]


def shares(found: list[Claim]) -> Counter[UUID]:
    return Counter(each.organization for each in found)
