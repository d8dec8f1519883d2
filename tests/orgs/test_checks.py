"""Each dangerous setting or model is refused by a check of its own; ours are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as project
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import isolate_apps
from pytest_django.fixtures import Settings

from integrations.models import Config
from orgs import checks
from orgs.models import User
from workflows_app.models import Execution, ExecutionEvent


def ids(problems: Any) -> set[str]:
    return {problem.id for problem in problems}


def test_the_project_passes_with_its_database(db: None) -> None:
    assert [problem for problem in run_checks(databases=["default"]) if problem.is_serious()] == []


def test_the_command_runs_the_checks(settings: Settings) -> None:
    settings.TENANT_LIMIT_SET_CALLS = True
    with pytest.raises(Exception, match=r"orgs\.E007"):
        call_command("check")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("TENANT_LIMIT_SET_CALLS", True, "orgs.E007"),
        ("TENANT_APPS", [*project.TENANT_APPS, "django.contrib.contenttypes"], "orgs.E009"),
        ("TENANT_APPS", [*project.TENANT_APPS, "django.contrib.sessions"], "orgs.E009"),
        ("TENANT_APPS", [*project.TENANT_APPS, "django_q"], "orgs.E009"),
        ("MIDDLEWARE", project.MIDDLEWARE[:2], "orgs.E010"),
        ("PG_EXTRA_SEARCH_PATHS", ["extensions"], "orgs.E018"),
        ("CACHES", {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}, "orgs.E019"),
        ("SHARED_APPS", ["django_tenants", "orgs"], "orgs.E020"),
    ],
)
def test_a_setting_that_mixes_organizations_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, problem: str
) -> None:
    monkeypatch.setattr(checks, "settings", Changed(**{name: value}))
    assert ids(checks.settings_problems()) == {problem}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ENGINE": "django.db.backends.postgresql"}, "orgs.E001"),
        ({"ENGINE": "django_tenants.postgresql_backend"}, "orgs.E001"),
        ({"OPTIONS": {"pool": True}}, "orgs.E006"),
        ({"CONN_MAX_AGE": None}, "orgs.E016"),
        ({"CONN_MAX_AGE": 0}, "orgs.E016"),
    ],
)
def test_a_database_setting_that_mixes_or_hangs_is_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], problem: str
) -> None:
    database = {**project.DATABASES["default"], **changes}
    monkeypatch.setattr(checks, "settings", Changed(DATABASES={"default": database}))
    assert ids(checks.database_settings_problems()) == {problem}


class Changed:
    """The settings with some values in place of theirs."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        return getattr(project, name)


# --- T5: the pooler -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_session_of_its_own_passes() -> None:
    assert checks.check_session_pooling(None, databases=["default"]) == []


def test_a_server_session_that_changes_is_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler: this connection's first answer comes from one server process, the next from another."""
    answers: Iterator[int] = iter([11, 11, 12])
    monkeypatch.setattr(checks, "_backend", lambda wrapper: next(answers))
    assert ids(checks.check_session_pooling(None, databases=["default"])) == {"orgs.E005"}


def test_the_pooler_is_looked_for_only_when_the_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_backend", lambda wrapper: pytest.fail("no database was named"))
    assert checks.check_session_pooling(None, databases=None) == []


def test_the_server_process_is_asked_for_by_number(db: None) -> None:
    assert checks._backend(connection) == connection.connection.info.backend_pid


# --- Models -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Config, Execution, ExecutionEvent])
def test_our_tenant_models_pass(model: type[models.Model]) -> None:
    assert list(checks.model_problems(model)) == []


@isolate_apps("workflows_app")
def test_a_counted_key_is_refused() -> None:
    class Counted(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "workflows_app"

    assert ids(checks.model_problems(Counted)) == {"orgs.E008"}


@isolate_apps("workflows_app")
def test_a_key_into_the_shared_schema_is_refused() -> None:
    class Mine(models.Model):  # noqa: DJ008
        id = models.UUIDField(primary_key=True)
        owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "workflows_app"

    assert ids(checks.model_problems(Mine)) == {"orgs.E011"}


@isolate_apps("workflows_app")
def test_a_generic_key_is_refused() -> None:
    class Tagged(models.Model):  # noqa: DJ008
        id = models.UUIDField(primary_key=True)
        kind = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+")
        number = models.PositiveIntegerField()
        thing = GenericForeignKey("kind", "number")

        class Meta:
            app_label = "workflows_app"

    assert ids(checks.model_problems(Tagged)) == {"orgs.E009", "orgs.E011"}


def test_many_tables_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_TENANT_TABLES", 1)
    assert ids(checks.check_tenant_models(None)) == {"orgs.W016"}


def test_a_shared_model_with_a_key_into_an_organization_would_be_seen() -> None:
    """The other direction: none of the shared models may refer to a tenant one."""
    tenant_labels = {config.label for config in apps.get_app_configs() if config.name in project.TENANT_APPS}
    shared = [model for model in apps.get_models() if model._meta.app_label not in tenant_labels]
    related = [field.related_model for model in shared for field in model._meta.fields if field.is_relation]
    assert {model._meta.app_label for model in related} & tenant_labels == set()
