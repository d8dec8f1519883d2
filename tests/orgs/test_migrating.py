"""Organizations behind the code's migrations: found in one query, closed meanwhile, brought up to date one by one."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from orgs import cloning, directory, locks, migrating
from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import current_schema
from tests.orgs.test_cloning import described

committed = pytest.mark.django_db(transaction=True)


def set_back(schema_name: str) -> None:
    """Takes the migrations of integrations back, as if the code had moved on."""
    with connection.cursor() as cursor:
        cursor.execute(
            r"SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE 'integrations\_%%'",
            [schema_name],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{schema_name}".{table} CASCADE')
        cursor.execute(f"DELETE FROM \"{schema_name}\".django_migrations WHERE app = 'integrations'")


def schema_of(organization: OrganizationRecord) -> migrating.Schema:
    return migrating.Schema(organization.schema_name, organization.id, organization.org_id)


def row(organization: OrganizationRecord) -> Organization:
    return Organization.objects.get(id=organization.id)


@pytest.fixture
def put_back(acme: OrganizationRecord, globex: OrganizationRecord, transactional_db: None) -> Any:
    """Whatever a test did to the schemas, later tests find them complete."""
    migrate = migrating.migrate
    yield
    for schema in (migrating.template(), schema_of(acme), schema_of(globex)):
        set_back(schema.schema_name)
        migrate(schema)


@pytest.fixture
def acme_cannot_migrate(put_back: None, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    usual: Callable[..., None] = migrating.migrate

    def migrate(schema: migrating.Schema, **options: Any) -> None:
        if schema.schema_name == acme.schema_name:
            raise RuntimeError("disk full")
        usual(schema, **options)

    monkeypatch.setattr(migrating, "migrate", migrate)


def test_nobody_is_behind_after_the_setup(acme: OrganizationRecord, django_assert_num_queries: Any) -> None:
    schemas = [migrating.template(), *migrating.organization_schemas()]
    assert len(schemas) == 4
    with django_assert_num_queries(4):  # which exist; their records; and the search path before each
        assert migrating.behind(schemas) == []


@committed
def test_those_behind_are_found_by_their_own_records(put_back: None, acme: OrganizationRecord) -> None:
    set_back(acme.schema_name)
    assert migrating.behind(migrating.organization_schemas()) == [schema_of(acme)]


def test_a_schema_that_does_not_exist_is_not_behind(db: None) -> None:
    assert migrating.behind([migrating.Schema("org_nowhere")]) == []


def test_many_schemas_are_asked_in_few_queries(
    acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(migrating, "_SCHEMAS_PER_QUERY", 2)
    schemas = [migrating.template(), *migrating.organization_schemas()]
    with django_assert_num_queries(6):
        assert migrating.behind(schemas) == []


@committed
def test_migrating_makes_what_is_missing_and_opens_the_doors(put_back: None, acme: OrganizationRecord) -> None:
    set_back(acme.schema_name)
    done, failures = migrating.migrate_behind(migrating.organization_schemas())
    assert (done, failures) == ([schema_of(acme)], [])
    assert row(acme).ready
    assert sorted(described(acme.schema_name)["indexes"]) == sorted(described("org_template")["indexes"])


@committed
def test_one_failure_is_kept_and_does_not_stop_the_others(
    acme_cannot_migrate: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_back(acme.schema_name)
    set_back(globex.schema_name)
    done, failures = migrating.migrate_behind(migrating.organization_schemas())
    assert done == [schema_of(globex)]
    assert failures == [migrating.Failure(schema_of(acme), "RuntimeError: disk full")]
    assert (row(acme).ready, row(acme).migration_error) == (False, "RuntimeError: disk full")
    assert row(globex).ready
    assert current_schema() == "public"


@committed
def test_a_failure_is_forgotten_when_the_next_attempt_succeeds(put_back: None, acme: OrganizationRecord) -> None:
    Organization.objects.filter(id=acme.id).update(ready=False, migration_error="disk full")
    set_back(acme.schema_name)
    migrating.migrate_behind(migrating.organization_schemas())
    assert (row(acme).ready, row(acme).migration_error) == (True, "")


@committed
def test_the_doors_are_closed_while_an_organization_is_behind(
    put_back: None, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    set_back(acme.schema_name)
    usual = migrating.migrate

    def watched(schema: migrating.Schema, **options: Any) -> None:
        found = directory.organization_by_id(acme.id)
        seen.append(found and found.ready)
        usual(schema, **options)

    monkeypatch.setattr(migrating, "migrate", watched)
    migrating.migrate_behind(migrating.organization_schemas())
    assert seen == [False]


@committed
def test_waiting_for_a_lock_gives_up_and_the_limit_is_taken_back(
    put_back: None, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_LOCK_TIMEOUT", "50ms")
    set_back(acme.schema_name)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f'BEGIN; LOCK TABLE "{acme.schema_name}".django_migrations')
            with pytest.raises(Exception, match="lock timeout"):
                migrating.migrate(schema_of(acme))
    finally:
        other.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


# --- Commands -----------------------------------------------------------------------------------------------------


def run(name: str, *arguments: str, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


@committed
def test_migrate_orgs_does_nothing_when_nobody_is_behind(acme: OrganizationRecord) -> None:
    assert run("migrate_orgs") == ("0 brought up to date, 3 were.\n", "")


@committed
def test_migrate_orgs_brings_those_behind_and_the_template_up_to_date(put_back: None, acme: OrganizationRecord) -> None:
    set_back(acme.schema_name)
    set_back("org_template")
    assert run("migrate_orgs")[0] == "acme: done\n1 brought up to date, 2 were.\n"
    assert not migrating.template_is_behind()


@committed
def test_migrate_orgs_names_the_failures_and_exits_non_zero(
    acme_cannot_migrate: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_back(acme.schema_name)
    set_back(globex.schema_name)
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 failed"):
        call_command("migrate_orgs", stdout=io.StringIO(), stderr=err)
    assert err.getvalue() == "acme: RuntimeError: disk full\n"


@committed
def test_migrate_orgs_takes_the_chosen_only(
    put_back: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_back(acme.schema_name)
    set_back(globex.schema_name)
    run("migrate_orgs", "globex")
    assert migrating.behind(migrating.organization_schemas()) == [schema_of(acme)]


@committed
def test_migrate_orgs_check_lists_and_changes_nothing(put_back: None, acme: OrganizationRecord) -> None:
    set_back(acme.schema_name)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 organizations are behind"):
        call_command("migrate_orgs", check=True, stdout=out)
    assert out.getvalue() == "acme\n"
    assert migrating.behind(migrating.organization_schemas()) == [schema_of(acme)]


def test_migrate_orgs_refuses_an_unknown_name(db: None) -> None:
    with pytest.raises(CommandError, match="no organization nope"):
        run("migrate_orgs", "nope")


@committed
@pytest.mark.parametrize("command", ["migrate_schemas", "migrate"])
def test_migrate_schemas_brings_everything_up_to_date(
    put_back: None, acme: OrganizationRecord, globex: OrganizationRecord, command: str
) -> None:
    for schema_name in (acme.schema_name, globex.schema_name, "org_template"):
        set_back(schema_name)
    run(command, verbosity=0)
    assert migrating.behind([migrating.template(), *migrating.organization_schemas()]) == []
    assert row(acme).ready
    assert row(globex).ready


@committed
def test_migrate_schemas_makes_a_missing_template(acme: OrganizationRecord) -> None:
    cloning.drop_schema("org_template")
    run("migrate_schemas", verbosity=0)
    assert not migrating.template_is_behind()


@committed
def test_migrate_schemas_shared_leaves_organizations_alone_but_closes_those_behind(
    put_back: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_back(acme.schema_name)
    run("migrate_schemas", shared=True, verbosity=0)
    assert migrating.behind(migrating.organization_schemas()) == [schema_of(acme)]
    assert (row(acme).ready, row(globex).ready) == (False, True)


@committed
def test_migrate_schemas_of_one_schema_opens_that_one(
    put_back: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_back(acme.schema_name)
    set_back(globex.schema_name)
    run("migrate_schemas", schema_name=globex.schema_name, verbosity=0)
    assert (row(acme).ready, row(globex).ready) == (False, True)


@committed
def test_migrate_schemas_plan_changes_nothing(put_back: None, acme: OrganizationRecord) -> None:
    set_back(acme.schema_name)
    run("migrate_schemas", plan=True, verbosity=0)
    assert migrating.behind(migrating.organization_schemas()) == [schema_of(acme)]
    assert row(acme).ready


@committed
def test_migrate_schemas_goes_on_after_a_failure_and_exits_non_zero(
    acme_cannot_migrate: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_back(acme.schema_name)
    set_back(globex.schema_name)
    with pytest.raises(CommandError, match="acme: RuntimeError: disk full"):
        run("migrate_schemas", verbosity=0)
    assert (row(acme).ready, row(globex).ready) == (False, True)


@committed
def test_migrate_schemas_takes_one_app_back_and_forth_everywhere(
    put_back: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    run("migrate_schemas", "integrations", "zero", tenant=True, verbosity=0)
    assert len(migrating.behind([migrating.template(), *migrating.organization_schemas()])) == 4
    assert not row(acme).ready
    run("migrate_schemas", "integrations", tenant=True, verbosity=0)
    assert migrating.behind([migrating.template(), *migrating.organization_schemas()]) == []
    assert row(acme).ready


@committed
def test_the_template_is_not_changed_while_somebody_clones_it(
    acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_LONGEST_WAIT", "50ms")
    with transaction.atomic():
        locks.hold_off(migrating.TEMPLATE_LOCK)
        with pytest.raises(OperationalError, match="lock timeout"):
            migrating.prepare_template()
