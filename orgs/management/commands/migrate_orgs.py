from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs import migrating
from orgs.tenancy import shared_context


class Command(BaseCommand):
    help = (
        "Brings the schemas of those organizations that are behind to the newest version, and the template of new "
        "ones. "
        "Goes on after a failure, keeps it on the organization, and then exits with 1. "
        "Run `migrate_schemas --shared` before it where the shared tables changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("org_ids", nargs="*", metavar="ORG_ID", help="Only these organizations (default: all).")
        parser.add_argument("--check", action="store_true", help="Only list those behind; exit 1 if there are any.")

    def handle(self, *args: Any, **options: Any) -> None:
        with shared_context():
            schemas = self._chosen(options["org_ids"])
            if options["check"]:
                self._list(migrating.behind(schemas))
            else:
                self._migrate(schemas)

    def _chosen(self, org_ids: list[str]) -> list[migrating.Schema]:
        schemas = migrating.organization_schemas()
        if unknown := set(org_ids) - {schema.org_id for schema in schemas}:
            raise CommandError(f"There is no organization {', '.join(sorted(unknown))}.")
        return [schema for schema in schemas if not org_ids or schema.org_id in org_ids]

    def _list(self, late: list[migrating.Schema]) -> None:
        for schema in late:
            self.stdout.write(schema.org_id)
        if late:
            raise CommandError(f"{len(late)} organizations are behind.")

    def _migrate(self, schemas: list[migrating.Schema]) -> None:
        if migrating.template_is_behind():
            migrating.prepare_template()
        done, failures = migrating.migrate_behind(schemas)
        for schema in done:
            self.stdout.write(f"{schema.org_id}: done")
        for failure in failures:
            self.stderr.write(f"{failure.schema.org_id}: {failure.error}")
        if failures:
            raise CommandError(f"{len(failures)} of {len(failures) + len(done)} failed; the others are done.")
        self.stdout.write(f"{len(done)} brought up to date, {len(schemas) - len(done)} were.")
