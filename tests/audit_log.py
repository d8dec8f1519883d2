"""What tests ask the audit log."""

from __future__ import annotations

from orgs.models import AuditEvent
from orgs.tenancy import shared_context

# What the tests' own organizations and tokens leave, made by nobody but the tests.
_OF_TESTS = ("organization.create", "token.create")


def events(*operations: str) -> list[AuditEvent]:
    """In the order in which they were recorded, of these operations or all; not what made the test's surroundings."""
    with shared_context():
        found = AuditEvent.objects.exclude(operation__in=_OF_TESTS, actor_kind="command").order_by("id")
        return list(found.filter(operation__in=operations) if operations else found)


def log(*operations: str) -> list[tuple[str, str, str]]:
    """The same as operation, object and the name of who did it."""
    return [(each.operation, f"{each.object_kind}:{each.object_id}", each.actor_name) for each in events(*operations)]
