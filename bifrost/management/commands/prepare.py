"""Everything that has to be there before the first request, in one process: the second start of bin/up waits for it."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from bifrost.demo import prepare_demo
from bifrost.sdk.errors import WorkflowException
from integrations.vault_setup import prepare_vault
from orgs import migrating
from orgs.tenancy import shared_context
from workflows_app.dispatch.queue import schedule_maintenance


class Command(BaseCommand):
    help = (
        "Brings the database and the vault up to date and makes the demo organizations with their people and tokens. "
        "bin/up runs it; it may be repeated and then does only what is missing. Not for production."
    )
    # The checks look at everything that is installed; bin/up's second start should not wait for them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json",
            type=Path,
            required=True,
            metavar="FILE",
            help="The demo's credentials: read where it exists, written afterwards, for its owner only.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if database_is_behind():
            self.stdout.write("Migrating the database")
            call_command("migrate_schemas", verbosity=0, interactive=False)
        schedule_maintenance()
        try:
            for sentence in prepare_vault():
                self.stdout.write(f"Vault: {sentence}")
        except WorkflowException as error:
            raise CommandError(error.message) from error
        known = read_credentials(options["json"])
        credentials = prepare_demo(known)
        if credentials != known:
            write_credentials(options["json"], credentials)


def database_is_behind() -> bool:
    """Whether the shared schema, the template or an organization lacks a migration; a few queries where none does."""
    with shared_context():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return True
        return migrating.template_is_behind() or bool(migrating.behind(migrating.organization_schemas()))


def read_credentials(file: Path) -> dict[str, Any]:
    """What the file holds; nothing where it is missing or was spoiled."""
    try:
        document = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def write_credentials(file: Path, credentials: dict[str, Any]) -> None:
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(credentials, stream, indent=2)
    os.replace(new, file)
