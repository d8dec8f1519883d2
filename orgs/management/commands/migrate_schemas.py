from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from orgs import migrating
from orgs.models import Organization
from orgs.tenancy import shared_context

# What Django's own migrate takes; with any of these, every schema is visited and not just those behind.
_FORWARDED = ("app_label", "migration_name", "fake", "fake_initial", "plan", "prune", "run_syncdb", "check_unapplied")


class Command(MigrateSchemasCommand):  # type: ignore[misc]  # django-tenants has no types
    help = (
        "Brings the shared schema, the template of new organizations and the schema of every organization "
        "that is behind to the newest version. While one is behind, its doors are closed. Goes on after a failure."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        one_schema = bool(options.get("schema_name"))
        shared, tenant = bool(options.get("shared")), bool(options.get("tenant"))
        if one_schema or shared:
            super().handle(*args, **{**options, "tenant": False})
        elif not tenant:
            super().handle(*args, **{**options, "shared": True})
        if not one_schema and (tenant or not shared):
            self._migrate_organizations(*args, **options)
        self._mark(options)

    def _migrate_organizations(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in _FORWARDED if options.get(name)}
        migrating.prepare_template(verbosity=options["verbosity"], **given)
        if given:
            super().handle(*args, **{**options, "tenant": True, "shared": False})
            return
        with shared_context():
            _, failures = migrating.migrate_behind(migrating.organization_schemas())
        if failures:
            self._mark(options)
            raise CommandError("\n".join(f"{failure.schema.org_id}: {failure.error}" for failure in failures))

    def _mark(self, options: dict[str, Any]) -> None:
        """Closes the doors of organizations that are behind, and opens those of the others."""
        if options.get("plan") or options.get("check_unapplied"):
            return
        with shared_context():
            if Organization._meta.db_table in connection.introspection.table_names():
                migrating.mark_readiness(migrating.behind(migrating.organization_schemas()))
