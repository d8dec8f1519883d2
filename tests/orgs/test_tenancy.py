"""The traps of django-tenants (pitfalls T1 to T19), each with the test that keeps it closed."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import DatabaseError, ProgrammingError, connection, connections, models, transaction
from uuid6 import uuid7

from integrations.models import Config
from orgs.records import OrganizationRecord
from orgs.tenancy import OutsideOrganization, current_schema, guard_thread, org_context, shared_context

ROOT = Path(settings.BASE_DIR)
OURS = ("bifrost", "integrations", "orgs", "workflows_app", "tests", "workspace", "bench")
committed = pytest.mark.django_db(transaction=True)


def in_thread(work: Callable[[], Any]) -> Any:
    """The outcome of the work in a new thread, whose connection is closed again."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=20)


def database_schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def keys() -> list[str]:
    return list(Config.objects.values_list("key", flat=True))


@pytest.fixture
def named(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    """Each organization has one config whose key is its own name."""
    for organization in (acme, globex):
        with org_context(organization):
            Config.objects.create(key=organization.org_id, value=1)


# --- T1, T2: with tenant ------------------------------------------------------------------------------------------


@committed
def test_two_threads_with_two_organizations_never_meet(
    acme: OrganizationRecord, globex: OrganizationRecord, named: None
) -> None:
    together = Barrier(2)
    seen: dict[str, list[list[str]]] = {"acme": [], "globex": []}

    def look(organization: OrganizationRecord) -> None:
        for _ in range(20):
            together.wait(5)
            with org_context(organization):
                together.wait(5)
                seen[organization.org_id].append(keys())
            together.wait(5)
            seen[organization.org_id].append([current_schema()])
        connection.close()

    threads = [Thread(target=look, args=[organization]) for organization in (acme, globex)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for name, found in seen.items():
        assert found == [[name], ["public"]] * 20


def test_contexts_nest_and_come_back(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    with org_context(acme):
        with org_context(globex), shared_context():
            assert database_schema() == "public"
        assert database_schema() == acme.schema_name
    assert database_schema() == "public"


def test_a_context_is_left_by_an_exception_too(acme: OrganizationRecord) -> None:
    with pytest.raises(KeyError), org_context(acme):
        raise KeyError
    assert current_schema() == "public"


def test_a_context_as_decorator_is_new_for_each_call(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    @org_context(acme)
    def outer() -> tuple[str, str]:
        return org_context(globex)(database_schema)(), database_schema()

    assert outer() == (globex.schema_name, acme.schema_name)
    assert outer() == (globex.schema_name, acme.schema_name)


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in OURS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(), str(path))


def forbidden_switches(tree: ast.AST) -> list[str]:
    """What switches schemas in other ways than org_context: django-tenants' own ways, as names, or `with tenant:`."""
    names = {"tenant_context", "schema_context", "set_tenant", "set_schema", "activate", "set_schema_to_public"}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            found += [name] if name in names and not _is_timezone(node) else []
        if isinstance(node, ast.With | ast.AsyncWith):
            found += [ast.unparse(item.context_expr) for item in node.items if _is_a_tenant(item.context_expr)]
    return found


def _is_a_tenant(expression: ast.expr) -> bool:
    written = ast.unparse(expression).lower()
    return isinstance(expression, ast.Name | ast.Attribute) and written.endswith(("tenant", "organization", "org"))


def _is_timezone(node: ast.Attribute | ast.Name) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"timezone", "translation"}


@pytest.mark.parametrize(
    "code",
    [
        "with tenant: pass",
        "with self.organization: pass",
        "with tenant_context(org): pass",
        "with utils.schema_context('x'): pass",
        "connection.set_tenant(org)",
        "org.activate()",
    ],
)
def test_the_ban_sees_each_way_around_org_context(code: str) -> None:
    assert forbidden_switches(ast.parse(code))


def test_only_tenancy_switches_schemas() -> None:
    # The last one plays a task that left its schema behind.
    left_behind = ROOT / "tests/workflows_app/dispatch/test_queue.py"
    allowed = {ROOT / "orgs/tenancy.py", ROOT / "tests/conftest.py", Path(__file__), left_behind}
    # The admin's action of that name has nothing to do with django-tenants.
    found = {path: set(forbidden_switches(tree)) - {"activate"} for path, tree in sources() if path not in allowed}
    assert {path: names for path, names in found.items() if names} == {}


# --- T3, T4: threads and coroutines -------------------------------------------------------------------------------


@committed
def test_a_new_thread_starts_in_the_shared_schema(acme: OrganizationRecord) -> None:
    with org_context(acme):
        assert in_thread(current_schema) == "public"


@committed
def test_tenant_tables_do_not_exist_for_a_thread_that_forgot(acme: OrganizationRecord) -> None:
    with org_context(acme), pytest.raises(ProgrammingError, match="does not exist"):
        in_thread(keys)


@committed
def test_a_coroutine_cannot_use_the_connection_of_its_thread(acme: OrganizationRecord, named: None) -> None:
    async def workflow() -> list[str]:
        return keys()

    with org_context(acme), pytest.raises(Exception, match="cannot call this from an async context"):
        asyncio.run(workflow())


@committed
def test_two_coroutines_gathered_read_their_own_organizations(
    acme: OrganizationRecord, globex: OrganizationRecord, named: None
) -> None:
    def read(organization: OrganizationRecord) -> list[str]:
        with org_context(organization):
            return keys()

    async def both() -> list[list[str]]:
        runs = [asyncio.to_thread(in_thread, lambda o=o: read(o)) for o in [acme, globex] * 10]
        return await asyncio.gather(*runs)

    assert async_to_sync(both)() == [["acme"], ["globex"]] * 10


def guarded(work: Callable[[], Any]) -> Any:
    def run() -> Any:
        guard_thread()
        return work()

    return in_thread(run)


@committed
def test_a_guarded_thread_refuses_a_query_that_names_no_schema(acme: OrganizationRecord) -> None:
    with pytest.raises(OutsideOrganization, match="say whose data it reads"):
        guarded(keys)


@committed
def test_a_guarded_thread_queries_inside_contexts_and_refuses_again_after(
    acme: OrganizationRecord, named: None
) -> None:
    def work() -> list[str]:
        with org_context(acme), shared_context(), org_context(acme):
            found = keys()
        with pytest.raises(OutsideOrganization):
            keys()
        return found

    assert guarded(work) == ["acme"]


# --- T7: savepoints; Q3: reuse of a worker ------------------------------------------------------------------------


def test_a_savepoint_rolled_back_leaves_the_right_schema(
    acme: OrganizationRecord, globex: OrganizationRecord, named: None
) -> None:
    with org_context(acme), transaction.atomic():
        keys()
        with pytest.raises(KeyError), transaction.atomic(), org_context(globex):
            keys()
            raise KeyError
        assert keys() == ["acme"]
        with org_context(globex):
            assert keys() == ["globex"]


@committed
def test_a_transaction_rolled_back_inside_a_context_keeps_it(acme: OrganizationRecord, named: None) -> None:
    with org_context(acme):
        with pytest.raises(KeyError), transaction.atomic():
            keys()
            raise KeyError
        assert keys() == ["acme"]


@committed
def test_a_thread_used_again_starts_in_the_shared_schema(acme: OrganizationRecord) -> None:
    def failing_task() -> None:
        with org_context(acme):
            keys()
            raise KeyError

    with ThreadPoolExecutor(1) as worker:
        assert isinstance(worker.submit(failing_task).exception(20), KeyError)
        assert worker.submit(database_schema).result(20) == "public"
        worker.submit(connections.close_all).result(20)


@committed
def test_a_connection_opened_anew_keeps_the_schema_of_its_context(acme: OrganizationRecord, named: None) -> None:
    with org_context(acme):
        connection.close()
        assert keys() == ["acme"]


# --- T8: querysets and instances ----------------------------------------------------------------------------------


def test_a_queryset_that_left_its_context_finds_no_table(acme: OrganizationRecord, named: None) -> None:
    with org_context(acme):
        lazy = Config.objects.filter(key="acme")
    with pytest.raises(ProgrammingError, match="does not exist"), transaction.atomic():
        list(lazy)


def test_a_stray_save_misses_the_other_organizations_row(
    acme: OrganizationRecord, globex: OrganizationRecord, named: None
) -> None:
    with org_context(acme):
        stray = Config.objects.get()
    stray.value = "changed"
    with org_context(globex):
        stray.save()
        with pytest.raises(DatabaseError, match="did not affect any rows"), transaction.atomic():
            Config(id=uuid7(), key="globex", value=2).save(force_update=True)
        assert Config.objects.get(key="globex").value == 1


def test_every_table_of_an_organization_has_a_key_that_no_other_has() -> None:
    for app in settings.TENANT_APPS:
        for model in apps.get_app_config(app.rpartition(".")[2]).get_models():
            key = model._meta.pk
            fields = [key] if not isinstance(key, models.CompositePrimaryKey) else list(key.fields)
            first = fields[0].target_field if isinstance(fields[0], models.ForeignKey) else fields[0]
            assert isinstance(first, models.UUIDField), model


# --- T9, T10, T16: what is shared, what is not --------------------------------------------------------------------


def tables(schema_name: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema_name])
        return {row[0] for row in cursor.fetchall()}


def test_no_table_is_both_shared_and_an_organizations(acme: OrganizationRecord) -> None:
    assert tables("public") & tables(acme.schema_name) == {"django_migrations"}


def test_people_sessions_and_content_types_are_shared_alone(acme: OrganizationRecord) -> None:
    shared_alone = {"orgs_user", "django_session", "django_content_type", "auth_permission", "django_admin_log"}
    assert shared_alone <= tables("public")
    assert not shared_alone & tables(acme.schema_name)


def test_a_content_type_is_the_same_in_every_organization(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    found: set[UUID | int] = set()
    for organization in (acme, globex):
        with org_context(organization):
            found.add(ContentType.objects.get_for_model(Config).id)
    assert len(found) == 1


# --- T17, T18: names, cache ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["public", "pg_catalog", 'org_a"; DROP SCHEMA public; --', "org_A", "", "org_", "acme"]
)
def test_only_schemas_of_organizations_are_entered(name: str) -> None:
    class Foreign:
        schema_name = name

    with pytest.raises(ValueError, match="is not the name"), org_context(Foreign()):
        pass


def test_what_one_organization_caches_the_other_does_not_see(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    with org_context(acme):
        cache.set("greeting", "hello", 10)
    with org_context(globex):
        assert cache.get("greeting") is None
    with org_context(acme):
        assert cache.get("greeting") == "hello"
        cache.delete("greeting")
