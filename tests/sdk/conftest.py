"""Modules made from source text, as the catalog loads them from files."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from types import ModuleType

import pytest

from bifrost.sdk.registry import Collection, collect
from bifrost.sdk.specs import WorkflowSpec

FILE = "workspace/workflows/sample.py"
PRELUDE = """\
from __future__ import annotations
from typing import Annotated, Any, Literal, Optional, NewType, TYPE_CHECKING
from datetime import date, datetime
from bifrost import *
"""


@pytest.fixture
def module() -> Callable[[str], ModuleType]:
    def make(source: str) -> ModuleType:
        made = ModuleType("workspace_sample")
        made.__file__ = FILE
        # What every sample imports is run apart, so that the sample itself begins at line 1 of its file.
        exec(PRELUDE, made.__dict__)
        text = textwrap.dedent(source).lstrip("\n")
        exec(compile(text, FILE, "exec", flags=annotations.compiler_flag), made.__dict__)
        return made

    return make


@pytest.fixture
def load(module: Callable[[str], ModuleType]) -> Callable[[str], Collection]:
    """What `collect` finds in a source whose first line is line 1."""
    return lambda source: collect(module(source))


@pytest.fixture
def workflow_of(load: Callable[[str], Collection]) -> Callable[[str], WorkflowSpec]:
    """The only workflow of a source without a problem."""

    def one(source: str) -> WorkflowSpec:
        found = load(source)
        assert found.problems == []
        [spec] = found.workflows
        return spec

    return one


@pytest.fixture
def problems_of(load: Callable[[str], Collection]) -> Callable[[str], list[str]]:
    """The problems of a source, as they are shown; a function with a problem is never a workflow too."""

    def shown(source: str) -> list[str]:
        found = load(source)
        assert found.workflows == []
        return [str(problem) for problem in found.problems]

    return shown
