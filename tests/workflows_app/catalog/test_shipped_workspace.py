"""The examples that Bifrost ships."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

from workflows_app.catalog import Catalog, Workspace

SHIPPED = settings.BASE_DIR / "workspace"


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return Workspace(SHIPPED).current()


def test_all_of_them_load_without_problems_or_warnings(shipped: Catalog) -> None:
    assert [str(problem) for problem in (*shipped.problems, *shipped.warnings)] == []
    assert len(shipped.workflows) >= 15


def test_each_has_a_description_and_a_category_of_the_documents(shipped: Catalog) -> None:
    categories = {"user_management", "automation", "reporting", "examples", "patterns"}
    for name, loaded in shipped.workflows.items():
        assert loaded.spec.description, name
        assert loaded.spec.category in categories, name


def test_the_same_workflow_under_two_paths_is_one(shipped: Catalog) -> None:
    assert shipped.workflows["user_onboarding"].file == "workflows/user_management/user_onboarding.py"


def test_shared_code_is_among_the_sources(shipped: Catalog) -> None:
    assert "workflows/reporting/licenses.py" in shipped.workflows["license_cost_report"].sources
    assert "workflows/reporting/licenses.py" in shipped.workflows["daily_license_check"].sources


@pytest.mark.parametrize("mode", ["sync", "async", "scheduled"])
def test_every_mode_has_an_example(shipped: Catalog, mode: str) -> None:
    assert any(loaded.spec.execution_mode == mode for loaded in shipped.workflows.values())


def test_every_documented_parameter_type_has_an_example(shipped: Catalog) -> None:
    types = {parameter.type for parameter in shipped.workflows["register_device"].spec.parameters}
    assert types >= {"string", "int", "float", "bool", "email", "json", "list", "date", "datetime", "secret"}


def test_django_starts_without_importing_any_author_module() -> None:
    code = (
        "import django, sys; django.setup(); from workflows_app import catalog;"
        "print([name for name in sys.modules if name.split('.')[0] in ('workspace', 'workflows', 'data_providers')"
        " or name.startswith('bifrost_workspace')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr
