"""The controls of the panel on the right of the list: what each is called, shows, and offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Control:
    """`widget` is text, number, date, textarea, select or tick. `live`: another choice changes what else is asked."""

    name: str
    label: str
    widget: str = "text"
    value: str = ""
    options: Options = ()
    help: str = ""
    live: bool = False
    rows: int = 3
    setting: str = ""
    problem: str = ""

    @property
    def ticked(self) -> bool:
        return self.value == "true"


@dataclass(frozen=True)
class Group:
    """Controls that belong together, below a heading where there is one. `paired`: short ones, side by side."""

    title: str
    controls: tuple[Control, ...]
    paired: bool = False


def options(pairs: Iterable[tuple[str, object]], value: str) -> Options:
    """The options as texts; with the value that there is among them, so that no page takes another in its place."""
    made = tuple((key, str(label)) for key, label in pairs)
    return made if any(key == value for key, _ in made) else (*made, (value, value))


class Typed:
    """What a person sent: which controls there were, and what was in them."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._data = data
        self.problems: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._data or f"{name}.there" in self._data

    def __getitem__(self, name: str) -> str:
        # PostgreSQL keeps no such character.
        return self._data.get(name, "").replace("\x00", "")

    def ticked(self, name: str) -> bool:
        return self._data.get(name) == "true"
