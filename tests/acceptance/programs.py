"""Generated programs for the workflow in workspace/workflows/programs.py, and how their outcomes are compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

PROGRAMS = Path(__file__).parent / "workspace" / "workflows" / "programs.py"

NAMES = st.integers(0, 99).map(lambda number: f"s{number}")
STEP = st.tuples(st.just("step"), NAMES, st.sampled_from(["never", "never", "once", "always"]))
SAGA = st.tuples(st.booleans(), st.lists(NAMES, min_size=1, max_size=3)).map(lambda saga: ("saga", saga[0], *saga[1]))
PART: st.SearchStrategy[Any] = st.one_of(
    STEP,
    STEP,
    SAGA,
    st.tuples(st.just("sleep"), st.sampled_from([0.0, 0.01, 0.03])),
    st.tuples(st.just("signal"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("first"), st.sampled_from(["a", "b"])),
    st.just(("pause",)),
)
LISTS = st.lists(PART, min_size=1, max_size=4)
PROGRAM = st.lists(
    st.one_of(PART, st.lists(LISTS, min_size=2, max_size=3).map(lambda lists: ("all", *lists))), min_size=1, max_size=5
)


def signals_of(program: Any) -> list[str]:
    """The names of the signals that it waits for, in whatever order."""
    found = []
    for part in program:
        if part[0] in {"signal", "first"}:
            found.append(part[1])
        elif part[0] == "all":
            found += [name for each in part[1:] for name in signals_of(each)]
    return found


def words_of(program: Any) -> Iterator[str]:
    """What its steps leave in the file, in the order of the program."""
    for part in program:
        if part[0] == "step":
            yield part[1]
        elif part[0] == "saga":
            yield from part[2:]
            if part[1]:
                yield from (f"undo-{name.upper()}" for name in reversed(part[2:]))
        elif part[0] == "all":
            for each in part[1:]:
                yield from words_of(each)


def bodies(value: Any) -> Any:
    """The result without what depends on which task was faster: who got which signal."""
    if isinstance(value, list):
        return [bodies(each) for each in value]
    return value[0] if isinstance(value, str) and value[:1] in "ab" and value[1:].isdigit() else value
