"""Which workflows and data providers a catalog holds."""

from __future__ import annotations

import pytest

from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import Workspace, categories
from workflows_app.errors import UnknownWorkflow

PROVIDER = "from bifrost import data_provider\n@data_provider(name='{0}')\nasync def {0}(context): return []\n"
USES_PROVIDER = """\
from bifrost import param, workflow

@workflow(name="assign")
@param("license", "string", data_provider="get_licenses")
async def assign(context, license): ...
"""


def test_a_function_that_another_file_imports_is_one_workflow(write: Write, workspace: Workspace) -> None:
    write("workflows/a.py", workflow("a"))
    write("workflows/short.py", "from .a import a\n__all__ = ['a']\n")
    catalog = workspace.current()
    assert catalog.problems == ()
    assert catalog.workflows["a"].file == "workflows/a.py"


def test_two_workflows_of_one_name_are_both_refused_and_both_named(write: Write, workspace: Workspace) -> None:
    write("workflows/a.py", workflow("same"))
    write("workflows/b.py", "\n" + workflow("same") + workflow("other"))
    catalog = workspace.current()
    assert list(catalog.workflows) == ["other"]
    assert [problem.file for problem in catalog.problems] == ["workflows/a.py", "workflows/b.py"]
    for problem in catalog.problems:
        assert "workflows/a.py:3 and workflows/b.py:4" in problem.message


def test_two_workflows_of_one_name_in_one_file_are_refused(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("same") + workflow("same").replace("def same", "def second"))
    catalog = workspace.current()
    assert catalog.workflows == {}
    assert "a.py:3 and a.py:8" in catalog.problems[0].message


def test_two_data_providers_of_one_name_are_both_refused(write: Write, workspace: Workspace) -> None:
    write("a.py", PROVIDER.format("options"))
    write("b.py", PROVIDER.format("options"))
    catalog = workspace.current()
    assert catalog.data_providers == {}
    assert 'data provider "options"' in catalog.problems[0].message


def test_a_workflow_and_a_provider_may_share_a_name(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("same"))
    write("b.py", PROVIDER.format("same"))
    assert workspace.current().problems == ()


def test_an_unknown_data_provider_is_a_warning(write: Write, workspace: Workspace) -> None:
    write("a.py", USES_PROVIDER)
    catalog = workspace.current()
    assert catalog.problems == ()
    assert list(catalog.workflows) == ["assign"]
    assert str(catalog.warnings[0]).startswith('a.py:3: workflow "assign": parameter "license" names the data provider')


def test_a_known_data_provider_is_none(write: Write, workspace: Workspace) -> None:
    write("a.py", USES_PROVIDER)
    write("data_providers/b.py", PROVIDER.format("get_licenses"))
    assert workspace.current().warnings == ()


def test_warnings_of_a_declaration_are_listed_with_their_file(write: Write, workspace: Workspace) -> None:
    write("workflows/a.py", workflow("NotSnake"))
    (warning,) = workspace.current().warnings
    assert (warning.file, warning.line) == ("workflows/a.py", 3)
    assert "not snake_case" in warning.message


def test_a_catalog_cannot_be_changed(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("a"))
    catalog = workspace.current()
    with pytest.raises(TypeError):
        catalog.workflows["b"] = catalog.workflows["a"]  # type: ignore[index]


def test_an_unknown_name_gets_similar_ones_and_the_number_of_broken_files(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("create_user"))
    write("b.py", "raise ValueError")
    with pytest.raises(UnknownWorkflow) as caught:
        workspace.find("creat_user")
    assert caught.value.message == (
        'There is no workflow "creat_user". Similar: create_user. 1 file has problems (manage.py workflows shows them).'
    )
    assert caught.value.details == {"workflow": "creat_user", "similar": ["create_user"], "files_with_problems": 1}


def test_an_unknown_name_with_nothing_near_says_only_that(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("create_user"))
    with pytest.raises(UnknownWorkflow, match=r'^There is no workflow "zzz"\.$'):
        workspace.find("zzz")


def test_the_guides_categories_come_first_in_its_order() -> None:
    given = ["Zoo", "examples", "general", "reporting", "user_management"]
    assert sorted(given, key=categories.order) == ["user_management", "reporting", "examples", "general", "Zoo"]
    assert categories.label("user_management") == "User management"
    assert categories.label("Zoo") == "Zoo"
