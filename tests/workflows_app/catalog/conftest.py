"""An author's directory, and the workspace that loads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from workflows_app.catalog import Workspace

Write = Callable[[str, str], Path]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "authors"
    made.mkdir()
    return made


@pytest.fixture
def write(directory: Path) -> Write:
    """Writes a file of the workspace."""

    def write_file(path: str, source: str) -> Path:
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
        return file

    return write_file


@pytest.fixture
def workspace(directory: Path) -> Iterator[Workspace]:
    made = Workspace(directory)
    yield made
    made.stop_watching()
    made.current().home.supersede()


def workflow(name: str, body: str = "return None") -> str:
    """The source of a plain workflow."""
    return f"from bifrost import workflow\n\n@workflow(name={name!r})\ndef {name}(context):\n    {body}\n"
