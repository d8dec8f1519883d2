"""The database back end: django-tenants' own, which also refuses queries without a schema in guarded threads."""

from __future__ import annotations

from typing import Any

from django_tenants.postgresql_backend import base

from orgs.scope import require_scope


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants has no types
    def _cursor(self, name: str | None = None) -> Any:
        require_scope()
        return super()._cursor(name)
