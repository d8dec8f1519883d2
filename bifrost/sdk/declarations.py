"""What the decorators leave on a function. Nothing is checked here: `building` does, when a module is
collected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

ATTRIBUTE = "__bifrost__"


class Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


#: No value was given, where None is one.
MISSING: Final = Missing.MISSING


@dataclass(frozen=True)
class Declared:
    """The arguments of one decorator, and the line that called it."""

    arguments: dict[str, Any]
    line: int


@dataclass
class Declaration:
    workflows: list[Declared] = field(default_factory=list)
    data_providers: list[Declared] = field(default_factory=list)
    #: In the order in which they were applied: the lowest decorator first.
    params: list[Declared] = field(default_factory=list)


def declaration_of(function: object) -> Declaration | None:
    found = getattr(function, "__dict__", {}).get(ATTRIBUTE)
    return found if isinstance(found, Declaration) else None


def declare(function: Callable[..., Any]) -> Declaration:
    """The function's declaration, made at its first decorator."""
    found = declaration_of(function)
    if found is None:
        found = Declaration()
        setattr(function, ATTRIBUTE, found)
    return found
