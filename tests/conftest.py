"""What every test stands on: one database with the organizations acme and globex and the MSP, made once a session."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

# Before anything reads it: tests, and the processes that they start, never write into the tree.
os.environ["BIFROST_DATA_DIR"] = tempfile.mkdtemp(prefix="bifrost-test-")

import certifi
import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker
from xdist.scheduler import LoadScopeScheduling

from integrations import secrets
from integrations.vault_setup import prepare_vault
from integrations.vault_sign_in import Method, Platform
from orgs import directory, provisioning
from orgs.models import Organization
from orgs.records import OrganizationRecord
from tests.integrations.servers import ROOT_TOKEN, private_vault
from workflows_app.catalog import storing
from workflows_app.dispatch import hints, settled
from workflows_app.engine import intake, process
from workflows_app.providers.asking import stop as stop_data_providers

_own = ExitStack()
PLATFORMS_OF_THEIR_OWN = tuple(f"tests/acceptance/test_{name}" for name in ("up", "bin_test", "workers"))
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "orgs_organization"}


def pytest_configure() -> None:
    """pytest-django has read the settings already."""
    settings.DATA_DIR = Path(os.environ["BIFROST_DATA_DIR"])
    settings.STATIC_ROOT = settings.DATA_DIR / "static"
    settings.STATIC_ROOT.mkdir()
    # Each client of a test makes the middleware anew, which would read all static files first.
    settings.WHITENOISE_AUTOREFRESH = True
    # Nor does a test trust the world's authorities, which are read anew for each HTTP client.
    os.environ["SSL_CERT_FILE"] = str(_one_authority())
    # Nobody passes hints on here, so engines in a test's own process look more often than once a second.
    intake.LOOK_SECONDS, intake.INBOX_SECONDS = 0.1, 0.05
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Side by side, each process has a database (pytest-django sees to that) and a vault of its own.
        settings.VAULT_ADDR = os.environ["VAULT_ADDR"] = _own.enter_context(private_vault()).address
        settings.VAULT_TOKEN = os.environ["VAULT_TOKEN"] = ROOT_TOKEN


def _one_authority() -> Path:
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    file = settings.DATA_DIR / "authority.pem"
    file.write_text(first[0] + first[1] + "\n")
    return Path(file)


class Sharing(LoadScopeScheduling):
    """Side by side: a file belongs into one process, and so does all that shares a running platform."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        shares = file.startswith(("tests/acceptance/", "tests/pages/")) and not file.startswith(PLATFORMS_OF_THEIR_OWN)
        return file.rpartition("/")[0] if shares else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    return Sharing(config, log)


def pytest_collection_finish() -> None:
    """What is there by now stays: collecting garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    _own.close()
    shutil.rmtree(os.environ["BIFROST_DATA_DIR"])


@pytest.fixture(scope="session")
def organizations() -> dict[str, OrganizationRecord]:
    """Those that the session's database holds; filled by `django_db_setup`."""
    return {}


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, organizations: dict[str, OrganizationRecord]
) -> Iterator[None]:
    prepare_vault()
    with django_db_blocker.unblock():
        organizations["msp"] = provisioning.create_organization("msp", "The MSP", msp=True)
        organizations["acme"] = provisioning.create_organization("acme", "Acme", tenant_id="acme.onmicrosoft.com")
        organizations["globex"] = provisioning.create_organization("globex", "Globex", tags=["gold"])
    yield
    # Their connections would keep the database from being dropped.
    with django_db_blocker.unblock():
        process.stop(grace=0)
        stop_data_providers()
    hints.close()


@pytest.fixture
def acme(db: None, organizations: dict[str, OrganizationRecord]) -> OrganizationRecord:
    return organizations["acme"]


@pytest.fixture
def globex(db: None, organizations: dict[str, OrganizationRecord]) -> OrganizationRecord:
    return organizations["globex"]


@pytest.fixture
def msp(db: None, organizations: dict[str, OrganizationRecord]) -> OrganizationRecord:
    return organizations["msp"]


@pytest.fixture(autouse=True)
def shared_schema_afterwards() -> Iterator[None]:
    """Each test begins in the shared schema with nothing remembered, and has to leave it so (pitfalls T19)."""
    directory.forget()
    settled.forget()
    connection.set_schema_to_public()
    yield
    left = connection.schema_name
    connection.set_schema_to_public()
    assert left == "public", f"The test left the connection in the schema {left}."


@pytest.fixture(autouse=True)
def secrets_are_gone_afterwards(secrets_written: set[tuple[str, str]]) -> Iterator[None]:
    """The vault keeps what a test's transaction does not. What fixtures of a longer life have written stays."""
    secrets_written.clear()
    yield
    for address, path in secrets_written:
        if address == settings.VAULT_ADDR:
            headers = {"X-Vault-Token": settings.VAULT_TOKEN}
            httpx.delete(f"{address}/v1/{path}", headers=headers, trust_env=False).raise_for_status()


@pytest.fixture(scope="session")
def secrets_written() -> Iterator[set[tuple[str, str]]]:
    """Where the platform has put secrets, as (address of the vault, path of all versions)."""
    written: set[tuple[str, str]] = set()
    usual = Platform.call
    data, metadata = (f"{settings.VAULT_MOUNT}/{kind}/" for kind in ("data", "metadata"))

    def call(self: Platform, method: Method, path: str, *arguments: Any, **named: Any) -> Any:
        if method == "post" and path.startswith(data) and not path.endswith(secrets.MASTER_KEY_PATH):
            written.add((settings.VAULT_ADDR, metadata + path.removeprefix(data)))
        return usual(self, method, path, *arguments, **named)

    Platform.call = call  # type: ignore[method-assign]
    yield written
    Platform.call = usual  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def empty_tables_but_keep_organizations(organizations: dict[str, OrganizationRecord]) -> Iterator[None]:
    """After a test that commits (`transactional_db`), Django would truncate the shared tables, and those alone."""
    usual = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda _: restore_database(organizations)  # type: ignore[method-assign]
    yield
    TransactionTestCase._fixture_teardown = usual  # type: ignore[method-assign]


def restore_database(organizations: dict[str, OrganizationRecord]) -> None:
    """Drops other organizations, empties what the kept ones and the shared schema hold, and puts their rows back."""
    process.stop(grace=0)
    stop_data_providers()
    hints.close()
    settled.forget()
    storing.forget()
    directory.forget()
    connection.set_schema_to_public()
    found = {each.id: each for each in Organization.objects.all()}
    for surplus in found.keys() - {kept.id for kept in organizations.values()}:
        provisioning.drop_organization(directory.record_of(found[surplus]))
    _empty_tables(["public", *(kept.schema_name for kept in organizations.values())])
    for kept in organizations.values():
        row = found.get(kept.id)
        if row is None or row.migration_error or directory.record_of(row) != kept:
            Organization.objects.update_or_create(id=kept.id, defaults=_as_it_was(kept))
    directory.forget()


def _empty_tables(schemas: list[str]) -> None:
    """Of a hundred tables a test fills a few: those that never held anything have no size, and are left alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('DELETE FROM %%I.%%I', nspname, relname) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = ANY(%s) AND relkind = 'r'"
            " AND relname <> ALL(%s) AND pg_relation_size(c.oid) > 0",
            [schemas, list(KEPT_TABLES)],
        )
        deletes = [row[0] for row in cursor.fetchall()]
        # Without foreign keys' triggers, in whatever order.
        cursor.execute("; ".join(["BEGIN", "SET LOCAL session_replication_role = replica", *deletes, "COMMIT"]))


def _as_it_was(kept: OrganizationRecord) -> dict[str, object]:
    names = ("org_id", "name", "schema_name", "status", "is_msp", "tenant_id", "timezone", "ready", "config_version")
    return {**{name: getattr(kept, name) for name in names}, "tags": list(kept.tags), "migration_error": ""}
