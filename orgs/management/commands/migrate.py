"""Django's test runner and habit call `migrate`; here it always means all schemas."""

from __future__ import annotations

from orgs.management.commands.migrate_schemas import Command

__all__ = ["Command"]
