"""Which organizations' schemas are behind the code's migrations, and bringing them up to date."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from orgs import directory
from orgs.cloning import schema_exists
from orgs.locks import alone
from orgs.models import Organization
from orgs.tenancy import org_context, shared_context

logger = logging.getLogger(__name__)

# Whoever changes the template has this lock alone; whoever clones it holds that off.
TEMPLATE_LOCK = "template"
_SCHEMAS_PER_QUERY = 500
_LOCK_TIMEOUT = "10s"


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of an organization, or the template (whose organization is None)."""

    schema_name: str
    organization: UUID | None = None
    org_id: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    schema: Schema
    error: str


def template() -> Schema:
    """The schema from which new organizations are cloned, kept at head by `migrate_schemas`."""
    return Schema(settings.TEMPLATE_SCHEMA)


def head() -> frozenset[str]:
    """The migrations, as `app.name`, that an organization's schema has when it is up to date."""
    labels = {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
    nodes = MigrationLoader(None, ignore_no_migrations=True).graph.nodes
    return frozenset(f"{app}.{name}" for app, name in nodes if app in labels)


def organization_schemas() -> list[Schema]:
    rows = Organization.objects.order_by("org_id").values_list("schema_name", "id", "org_id")
    return [Schema(*row) for row in rows]


def behind(schemas: Iterable[Schema]) -> list[Schema]:
    """Those of the schemas that exist and lack a migration: one query for each five hundred."""
    wanted = head()
    by_name = {schema.schema_name: schema for schema in schemas}
    found: list[Schema] = []
    for names in _chunks(_existing(list(by_name))):
        found += [by_name[name] for name, applied in _applied(names) if not wanted <= set(applied)]
    return found


def _existing(names: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY nspname", [names])
        return [row[0] for row in cursor.fetchall()]


def _chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _SCHEMAS_PER_QUERY):
        yield names[start : start + _SCHEMAS_PER_QUERY]


def _applied(names: list[str]) -> list[tuple[str, list[str]]]:
    one = "SELECT '{0}', coalesce(array_agg(app || '.' || name), '{{}}') FROM \"{0}\".django_migrations"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(one.format(name) for name in names))
        return [(row[0], row[1]) for row in cursor.fetchall()]


def mark_readiness(behind_now: Iterable[Schema]) -> None:
    """Closes the doors of organizations that are behind and opens those of the others; two statements.

    An organization that was never completely made stays closed: `create_organization` finishes it.
    """
    late = [schema.organization for schema in behind_now if schema.organization]
    Organization.objects.filter(id__in=late, ready=True).update(ready=False)
    Organization.objects.filter(ready=False, provisioned_at__isnull=False).exclude(id__in=late).update(
        ready=True, migration_error=""
    )
    directory.forget()


def migrate(schema: Schema, **options: Any) -> None:
    """Applies what the schema lacks; `options` are those of Django's own migrate command.

    Raises whatever a migration raised; the schema then stands where that migration began.
    """
    with org_context(schema, alone=True):
        MigrationRecorder(connection).ensure_schema()
    with org_context(schema), _lock_timeout():
        call_command(MigrateCommand(), **{"interactive": False, "skip_checks": True, "verbosity": 0, **options})


@contextmanager
def _lock_timeout() -> Iterator[None]:
    """A migration that waits for a lock gives up before everybody else queues behind it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")


def migrate_behind(schemas: Iterable[Schema]) -> tuple[list[Schema], list[Failure]]:
    """Migrates those of the schemas that are behind, going on after a failure: which were done, which failed.

    While an organization is behind its doors are closed, and its failure is kept on its row.
    """
    late = behind(schemas)
    Organization.objects.filter(id__in=[schema.organization for schema in late]).update(ready=False)
    done: list[Schema] = []
    failures: list[Failure] = []
    for schema in late:
        if failure := _attempt(schema):
            failures.append(failure)
        else:
            done.append(schema)
    return done, failures


def _attempt(schema: Schema) -> Failure | None:
    try:
        migrate(schema)
    except Exception as error:
        logger.exception("The schema of %s could not be migrated", schema.org_id)
        message = f"{type(error).__name__}: {error}"
        with shared_context():
            Organization.objects.filter(id=schema.organization).update(ready=False, migration_error=message)
        return Failure(schema, message)
    with shared_context():
        Organization.objects.filter(id=schema.organization, provisioned_at__isnull=False).update(
            ready=True, migration_error=""
        )
    directory.forget()
    return None


def template_is_behind() -> bool:
    """Whether the template lacks a migration, or is missing altogether."""
    return not schema_exists(settings.TEMPLATE_SCHEMA) or bool(behind([template()]))


def prepare_template(**options: Any) -> None:
    """Makes the template where it is missing, and brings it to head where it is behind."""
    with alone(TEMPLATE_LOCK):
        with shared_context(), connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{settings.TEMPLATE_SCHEMA}"')
        migrate(template(), **options)
