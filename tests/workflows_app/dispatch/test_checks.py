"""Each setting of django-q2 that loses, repeats or hangs work is refused by a check of its own; ours are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as project
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from orgs.sites import PermissionAdmin, staff_site
from workflows_app.dispatch import checks
from workflows_app.dispatch.queue import admin_models


def ids(problems: Any) -> set[str]:
    return {problem.id for problem in problems}


def changed(**values: Any) -> dict[str, Any]:
    return {**project.Q_CLUSTER, **values}


def test_ours_pass() -> None:
    assert list(checks.queue_problems()) == []


def test_the_commands_of_the_workers_run_them(settings: Settings) -> None:
    settings.Q_CLUSTER = changed(recycle=100)
    checked = {"skip_checks": False}
    for command, options in {"workers": checked, "qcluster": checked, "check": {}}.items():
        with pytest.raises(SystemCheckError, match=r"dispatch\.E013"):
            call_command(command, **options)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"queue_limit": 4}, "dispatch.E001"),
        ({"bulk": 10}, "dispatch.E001"),
        ({"timeout": None}, "dispatch.E001"),
        ({"retry": 100}, "dispatch.E001"),
        ({"ack_failures": False}, "dispatch.E002"),
        ({"max_attempts": 0}, "dispatch.E002"),
        ({"catch_up": True}, "dispatch.E005"),
        ({"scheduler": True}, "dispatch.E005"),
        ({"cluster_name": "bifrost"}, "dispatch.E009"),
        ({"ALT_CLUSTERS": {}}, "dispatch.E009"),
        ({"save_limit": 250}, "dispatch.E011"),
        ({"recycle": 100}, "dispatch.E013"),
        ({"max_rss": 100_000}, "dispatch.E013"),
        ({"orm": "other"}, "dispatch.E014"),
        ({"sync": True}, "dispatch.E015"),
    ],
)
def test_a_dangerous_setting_is_refused(settings: Settings, values: dict[str, Any], problem: str) -> None:
    settings.Q_CLUSTER = changed(**values)
    assert ids(checks.queue_problems()) == {problem}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"name": "other"}, "dispatch.E009"),
        ({"cluster_name": "other"}, "dispatch.E009"),
        ({"scheduler": False}, "dispatch.E005"),
        ({"timeout": 900}, "dispatch.E001"),
        ({"retry": 1_800}, "dispatch.E001"),
        ({"orm": None}, "dispatch.E014"),
    ],
)
def test_so_is_one_of_the_other_cluster(settings: Settings, values: dict[str, Any], problem: str) -> None:
    tasks = {**project.Q_CLUSTER["ALT_CLUSTERS"]["tasks"], **values}
    settings.Q_CLUSTER = changed(ALT_CLUSTERS={"tasks": tasks})
    assert ids(checks.queue_problems()) == {problem}


@pytest.mark.parametrize("keys", [("queue_limit",), ("bulk",), ("retry",), ("recycle",), ("catch_up",), ("scheduler",)])
def test_what_is_not_set_has_django_q2s_dangerous_default(settings: Settings, keys: tuple[str, ...]) -> None:
    settings.Q_CLUSTER = {name: value for name, value in project.Q_CLUSTER.items() if name not in keys}
    assert list(checks.queue_problems()) != []


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_any_number_of_workers_passes(settings: Settings, workers: int) -> None:
    settings.Q_CLUSTER = changed(workers=workers)
    assert list(checks.queue_problems()) == []


def test_the_shared_schema_alone_has_a_queue(settings: Settings) -> None:
    settings.TENANT_APPS = [*project.TENANT_APPS, "django_q"]
    assert ids(checks.queue_problems()) == {"dispatch.E016"}


def test_a_connection_for_each_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(project.DATABASES["default"], "CONN_MAX_AGE", 0)
    assert ids(checks.queue_problems()) == {"dispatch.E018"}


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "version", lambda name: "1.12.0")
    assert ids(checks.queue_problems()) == {"dispatch.E006"}


def test_no_admin_site_offers_django_q2s_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert admin_models() == []
    monkeypatch.setitem(staff_site._registry, OrmQ, PermissionAdmin(OrmQ, staff_site))
    assert ids(checks.queue_problems()) == {"dispatch.E011"}


# --- connections -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_embedded_database_admits_what_the_defaults_may_open() -> None:
    assert checks.check_connections(None, databases=["default"]) == []
    assert [found for found in run_checks(databases=["default"]) if found.is_serious()] == []


@pytest.mark.django_db
def test_more_processes_than_the_database_admits_are_a_warning(settings: Settings) -> None:
    settings.WORKERS = 100
    [warning] = checks.check_connections(None, databases=["default"])
    assert warning.id == "dispatch.W001" and "BIFROST_WORKERS" in (warning.hint or "")


def test_connections_are_counted_only_when_the_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_admitted_connections", lambda: pytest.fail("no database was named"))
    assert checks.check_connections(None, databases=None) == []
