"""System checks: settings and models that could mix organizations stop `manage.py check`.

The numbers in brackets are those of the traps of django-tenants that each closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection, models

Apps = Sequence[AppConfig] | None

# Their tables say who people are and what models there are: one truth for all organizations (T9, T10; Q16).
SHARED_ONLY = (
    "orgs",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_q",
)
# Each is multiplied by the number of organizations (T16).
MOST_TENANT_TABLES = 22


@register(Tags.database)
def check_session_pooling(app_configs: Apps, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """[T5] A pooler that gives the session away after each transaction loses, or swaps, the schema.

    Another client's open transaction would take the server session that this connection used a moment ago.
    """
    if "default" not in (databases or ()):
        return []
    other = connection.copy()
    try:
        before = _backend(connection)
        other.set_autocommit(False)
        _backend(other)
        moved = _backend(connection) != before
    finally:
        other.close()
    what = "The database is behind a pooler in transaction mode, which mixes organizations' schemas."
    return [Error(what, hint="Use session pooling, or none.", id="orgs.E005")] if moved else []


def _backend(wrapper: Any) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@register()
def check_settings(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [*database_settings_problems(), *settings_problems()]


def database_settings_problems() -> Iterator[CheckMessage]:
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "orgs.database":
        yield Error("The default database must use the engine orgs.database, which guards the schemas.", id="orgs.E001")
    if database.get("OPTIONS", {}).get("pool"):
        yield Error("[T6] A psycopg pool hangs in processes that fork; leave OPTIONS['pool'] out.", id="orgs.E006")
    if not database.get("CONN_MAX_AGE"):
        yield Error(
            "[T16] CONN_MAX_AGE must be some minutes: None keeps every schema's catalog in each backend's memory "
            "for ever, 0 connects anew for each request.",
            id="orgs.E016",
        )


def settings_problems() -> Iterator[CheckMessage]:
    if getattr(settings, "TENANT_LIMIT_SET_CALLS", False):
        yield Error("[T7] TENANT_LIMIT_SET_CALLS must be False.", id="orgs.E007")
    for name in SHARED_ONLY:
        if name in settings.TENANT_APPS:
            yield Error(f"[T9] {name} belongs to SHARED_APPS alone.", id="orgs.E009")
    if "orgs.middleware.OrganizationMiddleware" not in settings.MIDDLEWARE:
        yield Error(
            "[T10] orgs.middleware.OrganizationMiddleware is missing: pages would not check people.", id="orgs.E010"
        )
    if int(version("django-tenants").partition(".")[0]) < 4:
        yield Error("[T17] django-tenants 4.0.1 or later is needed.", id="orgs.E017")
    if getattr(settings, "PG_EXTRA_SEARCH_PATHS", None):
        yield Error("[T17] PG_EXTRA_SEARCH_PATHS would put foreign tables among an organization's.", id="orgs.E018")
    for name, cache in settings.CACHES.items():
        if cache.get("KEY_FUNCTION") != "django_tenants.cache.make_key":
            yield Error(f"[T18] The cache {name} needs KEY_FUNCTION django_tenants.cache.make_key.", id="orgs.E019")
    if settings.SHARED_APPS.index("orgs") > settings.SHARED_APPS.index("django_tenants"):
        yield Error("orgs must come before django_tenants, whose migrate_schemas it replaces.", id="orgs.E020")


@register(Tags.models)
def check_tenant_models(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    tenant_models = [model for config in _tenant_apps() for model in config.get_models(include_auto_created=True)]
    found = [problem for model in tenant_models for problem in model_problems(model)]
    if len(tenant_models) > MOST_TENANT_TABLES:
        what = f"[T16] {len(tenant_models)} tables in each organization's schema; {MOST_TENANT_TABLES} were the plan."
        found.append(Warning(what, id="orgs.W016"))
    return found


def _tenant_apps() -> list[AppConfig]:
    return [config for config in apps.get_app_configs() if config.name in settings.TENANT_APPS]


def model_problems(model: type[models.Model]) -> Iterator[CheckMessage]:
    """What a table of an organization's schema must not have."""
    if not _stray_save_misses(model):
        yield Error(
            "[T8] Its key must be a UUID, so that a stray save misses other organizations.", obj=model, id="orgs.E008"
        )
    for field in [*model._meta.get_fields(include_hidden=True), *model._meta.private_fields]:
        if isinstance(field, GenericForeignKey):
            yield Error(
                "[T9] A generic foreign key refers to content types, which are shared.", obj=field, id="orgs.E009"
            )
        elif field.is_relation and _is_shared(field.related_model):
            yield Error("[T11] No foreign keys between an organization's and shared tables.", obj=field, id="orgs.E011")


def _stray_save_misses(model: type[models.Model]) -> bool:
    key: Any = model._meta.pk
    if isinstance(key, models.CompositePrimaryKey):
        first = model._meta.get_field(key.field_names[0].removesuffix("_id"))
        key = first.target_field if isinstance(first, models.ForeignKey) else first
    if isinstance(key, models.ForeignKey):
        key = key.target_field
    return isinstance(key, models.UUIDField) or model._meta.auto_created is not False


def _is_shared(related: Any) -> bool:
    if not (isinstance(related, type) and issubclass(related, models.Model)):
        return False
    return apps.get_app_config(related._meta.app_label).name not in settings.TENANT_APPS
