from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import bifrost
from bifrost.sdk import aliases, context, decorators, errors, integration

ROOTS = ["engine.shared", "shared"]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("decorators", decorators),
        ("context", context),
        ("error_handling", errors),
        ("integrations.base", integration),
    ],
)
def test_the_documents_modules_hold_the_sdk_s_own_objects(root, name, source):
    module = importlib.import_module(f"{root}.{name}")
    assert module.__all__ == source.__all__
    assert all(getattr(module, exported) is getattr(source, exported) for exported in source.__all__)


@pytest.mark.parametrize("root", ROOTS)
def test_one_class_has_all_names(root):
    module = importlib.import_module(f"{root}.error_handling")
    assert module.ValidationError is bifrost.ValidationError
    assert module.TimeoutError is bifrost.TimeoutError


def test_the_guide_s_imports_work():
    names: dict = {}
    exec(
        "from engine.shared.decorators import workflow, param, data_provider\n"
        "from engine.shared.context import OrganizationContext\n"
        "from engine.shared.error_handling import (ValidationError, IntegrationError, TimeoutError,\n"
        "    ConfigurationError, PermissionError, WorkflowException)\n"
        "from shared.integrations.base import BaseIntegration, register_integration\n"
        "import engine.shared.decorators\n",
        names,
    )
    assert names["workflow"] is bifrost.workflow
    assert names["engine"].shared.decorators.param is bifrost.param


@pytest.mark.parametrize(
    "name", ["engine.other", "engine.shared.other", "shared.tools", "engine.shared.integrations.msgraph"]
)
def test_no_other_name_is_served(name):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)


def test_installing_again_changes_nothing():
    before = list(sys.meta_path)
    aliases.install()
    assert sys.meta_path == before


def test_the_package_exports_what_authors_use():
    wanted = {"workflow", "param", "data_provider", "OrganizationContext", "RetryPolicy", "WorkflowException"}
    wanted |= {"ValidationError", "IntegrationError", "TimeoutError", "ConfigurationError", "PermissionError"}
    assert wanted <= set(bifrost.__all__)
    assert all(hasattr(bifrost, name) for name in bifrost.__all__)


def modules_after(statement: str) -> set[str]:
    """What a fresh process has imported after this statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_bifrost_imports_neither_django_nor_pydantic():
    assert modules_after("import bifrost").isdisjoint({"django", "pydantic", "pydantic_core", "croniter", "httpx"})


def test_the_specs_import_no_django():
    assert modules_after("import bifrost.testing, bifrost.sdk.registry").isdisjoint({"django", "pydantic", "croniter"})
