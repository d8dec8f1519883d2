"""One running platform for all tests that do not need one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.crowd import FAULT_TIMES, Crowd, all_workers
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


@pytest.fixture(scope="session")
def busy_stack() -> Iterator[Stack]:
    with running_stack(**FAULT_TIMES) as stack:
        yield stack


@pytest.fixture
def crowd(busy_stack: Stack, tmp_path: Path) -> Iterator[Crowd]:
    """Afterwards, nothing is left of it that has not ended."""
    busy_stack.begin_test()
    all_workers(busy_stack)
    made = Crowd(busy_stack, tmp_path / "room")
    yield made
    made.open()
    print(busy_stack.said[-20_000:])  # shown where the test fails
    busy_stack.nothing_left()
