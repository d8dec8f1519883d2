"""What only one module may do: switch schemas, make threads of the engine, send raw SQL to tenants."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .test_sizes import code

SWITCHES = {"set_tenant", "set_schema", "set_schema_to_public", "schema_context", "tenant_context"}


def calls(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            found.add(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
    return found


def users(names: set[str]) -> set[str]:
    return {str(path) for path, text in code().items() if calls(text) & names and "tests" not in path.parts}


def test_only_tenancy_switches_schemas() -> None:
    assert users(SWITCHES) <= {"orgs/tenancy.py"}


def test_only_the_way_in_begins_executions() -> None:
    texts = {str(path): text for path, text in code().items()}
    begin = {path for path, text in texts.items() if "statements.start(" in text}
    assert begin == {"workflows_app/engine/start.py"}


@pytest.mark.parametrize("text", ["connection.set_schema('x')", "with schema_context('x'): pass"])
def test_the_check_would_see_a_switch(text: str) -> None:
    assert calls(text) & SWITCHES


def test_settings_are_read_from_the_environment_in_one_place() -> None:
    reading = {
        str(path)
        for path, text in code().items()
        if ("os.environ" in text or "getenv(" in text) and path.parts[0] not in {"bin", "bench", "workspace"}
    }
    assert reading <= {"bifrost/wsgi.py", "bifrost/asgi.py"}


def test_nothing_is_imported_from_a_content_delivery_network() -> None:
    pages = [*Path("templates").rglob("*.html"), *Path(".").glob("*/templates/**/*.html")]
    assert [str(page) for page in pages if "https://" in page.read_text() or "//cdn" in page.read_text()] == []
