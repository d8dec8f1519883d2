"""The size budget of design.md, section 2: files and functions that a reader can hold in mind."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
CODE = ("bifrost", "orgs", "integrations", "workflows_app", "forms_app", "workspace", "bin", "bench")


@cache
def sources() -> dict[Path, str]:
    """All Python files of the project but migrations, with their text."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, text=True)
    paths = [Path(line) for line in listed.splitlines() if "/migrations/" not in line]
    return {path: (ROOT / path).read_text() for path in paths if (ROOT / path).is_file()}


def code() -> dict[Path, str]:
    return {path: text for path, text in sources().items() if path.parts[0] in CODE and text.strip()}


def functions(texts: dict[Path, str]) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def length(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1  # type: ignore[attr-defined,no-any-return]


def test_no_file_has_more_than_400_lines_and_half_have_at_most_90() -> None:
    lines = {str(path): text.count("\n") for path, text in code().items()}
    assert {path: count for path, count in lines.items() if count > 400} == {}
    assert median(lines.values()) <= 90


def test_no_function_has_more_than_60_lines_and_nine_in_ten_have_at_most_30() -> None:
    lengths = {name: length(node) for name, node in functions(code())}
    assert {name: count for name, count in lengths.items() if count > 60} == {}
    assert quantiles(lengths.values(), n=10)[-1] <= 30


def test_there_are_at_least_as_many_lines_of_tests_as_of_code() -> None:
    tests = sum(text.count("\n") for path, text in sources().items() if "tests" in path.parts)
    assert tests >= sum(text.count("\n") for path, text in code().items() if "tests" not in path.parts)


def test_every_function_says_what_it_returns() -> None:
    platform = {path: text for path, text in code().items() if path.parts[0] not in {"workspace", "bench"}}
    assert [name for name, node in functions(platform) if node.returns is None and node.name != "__init__"] == []


def test_no_module_is_named_for_what_it_is_not() -> None:
    vague = {"utils", "helpers", "common", "misc", "core", "services", "manager"}
    assert [str(path) for path in code() if path.stem in vague or vague & set(path.parts)] == []
