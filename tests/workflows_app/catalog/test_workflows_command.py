"""manage.py workflows"""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.workflows_app.catalog.conftest import Write, workflow

CREATE_USER = """\
from bifrost import param, workflow

@workflow(name="create_user", description="Create [a] user", category="user_management")
@param("email", "email", required=True)
@param("name", "string")
async def create_user(context, email, name): ...
"""


@pytest.fixture(autouse=True)
def used(settings: Settings, directory: Path) -> None:
    settings.WORKSPACE = directory


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("workflows", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_workflows_with_mode_parameters_and_file(write: Write) -> None:
    write("workflows/users.py", CREATE_USER)
    text = printed()
    row = next(line for line in text.splitlines() if "create_user" in line)
    for cell in ("sync", "Create [a] user", "email: email, [name: string]", "workflows/users.py"):
        assert cell in row
    assert "Problems: 0." in text


def test_categories_come_in_the_guides_order_with_labels(write: Write) -> None:
    write("a.py", workflow("other"))
    write("b.py", CREATE_USER)
    text = printed()
    assert text.index("User management") < text.index("General")


def test_a_long_path_is_shown_whole(write: Write) -> None:
    write(f"workflows/{'deep/' * 20}a.py", workflow("deep"))
    text = printed()
    assert "…" not in text
    assert text.count("deep/") == 20


def test_problems_are_shown_with_traceback_and_markup_as_text(write: Write) -> None:
    write("good.py", workflow("good"))
    write("bad.py", "raise ValueError('[bold]not markup[/bold]')")
    text = printed()
    assert "bad.py:1: ValueError: [bold]not markup[/bold]" in text
    assert "Traceback (most recent call last)" in text
    assert "good" in text


def test_check_exits_with_1_only_when_something_is_wrong(write: Write) -> None:
    write("a.py", CREATE_USER)
    printed("--check")
    write("b.py", "raise ValueError")
    with pytest.raises(SystemExit) as caught:
        printed("--check")
    assert caught.value.code == 1


def test_json_has_workflows_problems_and_warnings(write: Write) -> None:
    write("workflows/users.py", CREATE_USER)
    write("bad.py", "raise ValueError('no')")
    document: dict[str, Any] = json.loads(printed("--json"))
    (found,) = document["workflows"]
    assert (found["name"], found["file"], found["line"]) == ("create_user", "workflows/users.py", 3)
    assert found["parameters"]["required"] == ["email"]
    assert [(problem["file"], problem["line"]) for problem in document["problems"]] == [("bad.py", 1)]
    assert document["warnings"] == []


def test_an_edit_shows_at_the_next_call(write: Write) -> None:
    write("a.py", workflow("first"))
    assert "first" in printed()
    write("a.py", workflow("second"))
    assert "second" in printed()
