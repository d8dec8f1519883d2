"""One running platform for all tests that do not need one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.stack import SHORT_TIMES, Gate, Stack, running_stack


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[Stack]:
    with running_stack(**SHORT_TIMES) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """It may have lost processes in the test before: each test begins when all is well."""
    shared_stack.begin_test()
    return shared_stack


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Open in the end, so that no run waits for ever."""
    made = Gate(tmp_path / "gate")
    yield made
    made.open()
