from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from integrations import secrets
from integrations.models import Config
from orgs import cloning, directory, migrating
from orgs.errors import InvalidOrganization, OrganizationExists
from orgs.models import Domain, Organization
from orgs.provisioning import create_organization, drop_organization
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context

committed = pytest.mark.django_db(transaction=True)
seen: list[OrganizationRecord] = []


def remember(organization: OrganizationRecord) -> None:
    """A provisioning step."""
    seen.append(organization)


def fail(organization: OrganizationRecord) -> None:
    """A provisioning step that cannot be done."""
    raise ConnectionError("The vault is away.")


def die(organization: OrganizationRecord) -> None:
    """A provisioning step in the middle of which the process is killed."""
    raise SystemExit


@pytest.fixture(autouse=True)
def own_steps(settings: Settings) -> None:
    settings.PROVISIONING_STEPS = [f"{__name__}.remember"]
    seen.clear()


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'org\\_%%'")
        return {row[0] for row in cursor.fetchall()}


def test_an_organization_is_ready_for_use(db: None) -> None:
    made = create_organization("initech", "Initech", "initech.onmicrosoft.com", timezone="Europe/Berlin", tags=["gold"])
    with org_context(made):
        Config.objects.create(key="a", value=1)
        assert Config.objects.count() == 1
    assert (made.org_id, made.name, made.timezone, made.tags) == ("initech", "Initech", "Europe/Berlin", ("gold",))
    assert made.ready
    assert made.status == "active"
    assert directory.organization_by_org_id("initech") == made


def test_its_schema_is_named_by_its_id_alone(db: None) -> None:
    made = create_organization("initech", "Initech")
    assert made.schema_name == f"org_{made.id.hex}"


def test_its_domains_lead_to_it(db: None) -> None:
    made = create_organization("initech", "Initech", domains=["Portal.Initech.example", "initech.example"])
    assert directory.organization_by_host("portal.initech.example") == made
    assert Domain.objects.get(is_primary=True).domain == "portal.initech.example"


@committed
def test_it_takes_less_than_a_second(acme: OrganizationRecord) -> None:
    start = time.monotonic()
    create_organization("initech", "Initech")
    assert time.monotonic() - start < 1


def test_higher_layers_add_their_steps(db: None) -> None:
    made = create_organization("initech", "Initech")
    assert [organization.org_id for organization in seen] == [made.org_id]


@pytest.mark.parametrize(
    "org_id", ["", "Initech", "in itech", "-initech", "initech-", "ini_tech", "x" * 64, "a\nb", "ä", "a\n"]
)
def test_a_bad_org_id_is_refused(db: None, org_id: str) -> None:
    with pytest.raises(InvalidOrganization, match="org_id"):
        create_organization(org_id, "Initech")
    assert seen == []


def test_a_bad_time_zone_or_name_is_refused(db: None) -> None:
    with pytest.raises(InvalidOrganization, match="no such time zone"):
        create_organization("initech", "Initech", timezone="Europe/Atlantis")
    with pytest.raises(InvalidOrganization, match="name"):
        create_organization("initech", "")


@pytest.mark.parametrize(
    "domain", ["", "https://a.example", "a b.example", "a.example:80", "-a.example", "a..example", "ä.de"]
)
def test_what_is_no_host_name_is_refused(db: None, domain: str) -> None:
    with pytest.raises(InvalidOrganization, match="not a host name"):
        create_organization("initech", "Initech", domains=[domain])


def test_a_name_that_is_taken_is_refused_and_changes_nothing(acme: OrganizationRecord) -> None:
    before = schemas()
    with pytest.raises(OrganizationExists, match="acme"):
        create_organization("acme", "Another")
    assert schemas() == before
    assert Organization.objects.get(org_id="acme").name == "Acme"


@committed
def test_a_domain_that_is_taken_leaves_nothing(acme: OrganizationRecord) -> None:
    create_organization("initech", "Initech", domains=["initech.example"])
    before = schemas()
    with pytest.raises(OrganizationExists):
        create_organization("other", "Other", domains=["other.example", "initech.example"])
    assert schemas() == before
    assert not Organization.objects.filter(org_id="other").exists()
    assert not Domain.objects.filter(domain="other.example").exists()


@committed
def test_a_second_msp_is_refused(msp: OrganizationRecord) -> None:
    with pytest.raises(OrganizationExists):
        create_organization("msp2", "Another", msp=True)


@committed
def test_a_step_that_fails_leaves_nothing(acme: OrganizationRecord, settings: Settings) -> None:
    settings.PROVISIONING_STEPS = [f"{__name__}.remember", f"{__name__}.fail"]
    before = schemas()
    with pytest.raises(ConnectionError, match="vault"):
        create_organization("initech", "Initech")
    assert schemas() == before
    assert not Organization.objects.filter(org_id="initech").exists()


@committed
def test_two_who_make_the_same_one_at_once_make_it_once(acme: OrganizationRecord) -> None:
    outcomes = []

    def make() -> None:
        try:
            outcomes.append(create_organization("initech", "Initech").org_id)
        except OrganizationExists:
            outcomes.append("exists")
        finally:
            connection.close()

    threads = [Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["exists", "exists", "exists", "initech"]
    assert len(seen) == 1


@committed
def test_one_left_half_made_is_closed_and_can_be_made_again(acme: OrganizationRecord, settings: Settings) -> None:
    settings.PROVISIONING_STEPS = [f"{__name__}.die"]
    with pytest.raises(SystemExit):
        create_organization("initech", "Initech")
    half_made = directory.organization_by_org_id("initech")
    assert half_made is not None
    assert not half_made.ready
    settings.PROVISIONING_STEPS = [f"{__name__}.remember"]
    made = create_organization("initech", "Initech")
    assert made.ready
    assert made.id == half_made.id
    assert [organization.id for organization in seen] == [made.id]


@committed
def test_a_half_made_one_is_not_opened_by_migrating(acme: OrganizationRecord, settings: Settings) -> None:
    settings.PROVISIONING_STEPS = [f"{__name__}.die"]
    with pytest.raises(SystemExit):
        create_organization("initech", "Initech")
    migrating.mark_readiness([])
    assert not Organization.objects.get(org_id="initech").ready


@committed
def test_a_missing_template_is_made(acme: OrganizationRecord) -> None:
    cloning.drop_schema("org_template")
    made = create_organization("initech", "Initech")
    assert migrating.behind([migrating.template(), migrating.Schema(made.schema_name)]) == []
    assert not migrating.template_is_behind()


def test_a_dropped_organization_is_gone_with_its_schema(db: None) -> None:
    made = create_organization("initech", "Initech", domains=["initech.example"])
    drop_organization(made)
    assert made.schema_name not in schemas()
    assert directory.organization_by_org_id("initech") is None
    assert directory.organization_by_host("initech.example") is None


def test_a_dropped_name_can_be_given_again_with_a_new_schema(db: None) -> None:
    first = create_organization("initech", "Initech")
    drop_organization(first)
    assert create_organization("initech", "Initech").schema_name != first.schema_name


def test_dropping_takes_back_what_higher_layers_keep(db: None, settings: Settings) -> None:
    made = create_organization("initech", "Initech")
    seen.clear()
    settings.DROPPING_STEPS = [f"{__name__}.remember"]
    drop_organization(made)
    assert [organization.id for organization in seen] == [made.id]


@committed
def test_a_drop_that_fails_leaves_the_doors_closed_and_can_be_repeated(
    acme: OrganizationRecord, settings: Settings
) -> None:
    made = create_organization("initech", "Initech")
    settings.DROPPING_STEPS = [f"{__name__}.fail"]
    with pytest.raises(ConnectionError):
        drop_organization(made)
    assert not Organization.objects.get(org_id="initech").ready
    settings.DROPPING_STEPS = []
    drop_organization(made)
    assert not Organization.objects.filter(org_id="initech").exists()


@committed
def test_a_drop_gets_through_although_others_still_write(acme: OrganizationRecord) -> None:
    """They lock its tables in another order, and one of the two has to yield."""
    made = create_organization("initech", "Initech")
    tables = ("executionevent", "inbox", "execution", "approval", "webhookdelivery", "schedulerun")
    names = [f"{made.schema_name}.workflows_app_{table}" for table in tables]
    with psycopg.connect(**connection.get_connection_params()) as writer:
        writer.execute(f"LOCK TABLE {names[-1]} IN ROW EXCLUSIVE MODE".encode())
        dropping = Thread(target=lambda: (drop_organization(made), connection.close()))
        dropping.start()
        await_a_waiting_lock(writer)
        with suppress(psycopg.errors.DeadlockDetected):
            for name in names:
                writer.execute(f"LOCK TABLE {name} IN ROW EXCLUSIVE MODE".encode())
    dropping.join(30)
    assert not Organization.objects.filter(org_id="initech").exists()
    assert made.schema_name not in schemas()


@committed
def test_a_step_of_a_drop_that_has_to_yield_is_done_again(acme: OrganizationRecord, settings: Settings) -> None:
    """A deadlock with those who still run its executions: theirs is done, then the drop's."""
    made = create_organization("initech", "Initech")
    seen.clear()
    settings.DROPPING_STEPS = [f"{__name__}.remember", f"{__name__}.lock_what_is_locked"]
    with psycopg.connect(**connection.get_connection_params()) as writer:
        others.append(writer)
        writer.execute("LOCK TABLE orgs_domain IN SHARE MODE")
        drop_organization(made)
    assert not Organization.objects.filter(org_id="initech").exists()
    assert len(seen) == 2


def await_a_waiting_lock(asking: Any) -> None:
    deadline = time.monotonic() + 10
    found = None
    while found is None:
        assert time.monotonic() < deadline
        found = (asking.execute("SELECT 1 FROM pg_locks WHERE NOT granted") or asking).fetchone()


others: list[psycopg.Connection[tuple[object, ...]]] = []


def lock_what_is_locked(organization: OrganizationRecord) -> None:
    """The first time, each of the two waits for what the other one has, and this one is the first to find out."""
    if not others:
        return
    writer = others.pop()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE orgs_apitoken IN SHARE MODE")
        waiting = Thread(target=lock_and_let_go, args=(writer,))
        waiting.start()
        await_a_waiting_lock(cursor)
        cursor.execute("SET LOCAL deadlock_timeout = '100ms'")
        cursor.execute("LOCK TABLE orgs_domain IN EXCLUSIVE MODE")


def lock_and_let_go(writer: psycopg.Connection[tuple[object, ...]]) -> None:
    writer.execute("SET LOCAL deadlock_timeout = '10s'")
    writer.execute("LOCK TABLE orgs_apitoken IN EXCLUSIVE MODE")
    writer.rollback()


def test_secrets_of_a_dropped_organization_are_not_inherited_by_the_next_of_that_name(db: None) -> None:
    first = create_organization("initech", "Initech")
    secrets.write_secret(first, "api_key", "of the first")
    drop_organization(first)
    assert secrets.list_secrets(create_organization("initech", "Initech")) == []


def test_the_database_refuses_another_schema_name(db: None) -> None:
    with pytest.raises(Exception, match="orgs_schema_name"):
        Organization.objects.create(org_id="x", name="X", schema_name=f"org_{uuid4()}")


def test_saving_or_deleting_a_row_touches_no_schema(db: None) -> None:
    made = create_organization("initech", "Initech")
    row = Organization.objects.get(id=made.id)
    row.save()
    row.delete()
    assert made.schema_name in schemas()
