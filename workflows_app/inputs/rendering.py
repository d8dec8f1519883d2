"""A definition as a page asks it: `Asked`, which `{% include "inputs/form.html" with asked=asked %}` shows.

The page wraps it in its `<form>`, with the buttons and whatever else it wants to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.text import capfirst

from bifrost.sdk.documents import encode
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.conditions import fields_in
from workflows_app.inputs.controls import Control, Scope
from workflows_app.inputs.definition import Definition, Note
from workflows_app.inputs.fields import Field
from workflows_app.inputs.naming import PREFIX
from workflows_app.inputs.offering import Offer
from workflows_app.markdown import render


@dataclass(frozen=True)
class Problem:
    """A line of the summary: what it leads to, which field, what is wrong. The first and the second may be empty."""

    target: str
    label: str
    message: str


@dataclass(frozen=True)
class Item:
    """A field or a note where the page shows it. `seen` is false where its condition does not hold now."""

    id: str
    seen: bool
    condition: str = ""
    width: str = "full"
    control: Control | None = None
    note: Note | None = None

    @property
    def text(self) -> str:
        return render(self.note.text) if self.note and self.note.text else ""


@dataclass(frozen=True)
class Asked:
    """`values` and `problems` are those of `reading.read`, or what the form begins with.

    `options_url`: where the page gets a field's options from, with the field's name put behind it; without it a data
    provider is not asked. `offers`: options that are known already. `token`: what the page remembers of a file. A
    secret that is among the values is not shown; the person is told to type it again.
    """

    definition: Definition
    values: Mapping[str, JSON] = field(default_factory=dict)
    problems: Sequence[tuple[str, str]] = ()
    options_url: str = ""
    offers: Mapping[str, Offer] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    token: Callable[[JSON], str] | None = None

    @cached_property
    def items(self) -> list[Item]:
        shown = {id(item) for item in self.definition.visible(self.values)}
        used = set(_referred(self.definition))
        items = enumerate(self.definition.items)
        return [self._item(number, item, id(item) in shown) for number, item in items if _on_page(item, used)]

    @cached_property
    def summary(self) -> list[Problem]:
        """What is wrong, in the order of the page; what belongs to no field comes first."""
        order = {each.name: number for number, each in enumerate(self.definition.fields, 1)}
        by_place = sorted(self.problems, key=lambda problem: order.get(problem[0].partition(".")[0], 0))
        return [self._problem(place, message) for place, message in by_place]

    @property
    def multipart(self) -> bool:
        return any(each.kind == "file" for each in self.definition.fields)

    @property
    def changes(self) -> bool:
        """Whether an answer may change what is asked, which without JavaScript takes a button."""
        inner = (each for field in self.definition.fields for each in field.fields)
        return any(
            item.visible_when is not None or (isinstance(item, Field) and item.provider)
            for item in (*self.definition.items, *inner)
        )

    @property
    def secrets(self) -> list[str]:
        """The names of the inputs whose values no page may show."""
        return [PREFIX + each.name for each in self.definition.fields if each.kind == "secret"]

    @property
    def has_required(self) -> bool:
        asked = (each for each in self.definition.fields if each.mode == "asked")
        return any(each.required or any(inner.required for inner in each.fields) for each in asked)

    def control(self, name: str) -> Control:
        """One field of the form alone. Raises KeyError."""
        return Control(self.definition.field(name), self._scope, self.values)

    def control_at(self, place: str, values: Mapping[str, JSON]) -> Control:
        """The same at a place such as `rows.2.email`, in whose row these are the values."""
        name, _, below = place.partition(".")
        row, _, inner = below.partition(".")
        return self.control(name).in_row(row, values, inner) if inner else self.control(name)

    @cached_property
    def _scope(self) -> Scope:
        return Scope(
            prefix=PREFIX,
            problems=_by_place(self.problems),
            zone=self.zone,
            options_url=self.options_url,
            offers=self.offers,
            token=self.token,
            secrets=tuple(self.secrets),
        )

    def _item(self, number: int, item: Field | Note, shown: bool) -> Item:
        if isinstance(item, Note):
            condition = "" if item.visible_when is None else encode(dict(item.visible_when))
            return Item(f"note-{number}", shown, condition, note=item)
        control = self.control(item.name)
        return Item(f"item-{control.id}", shown, control.condition, item.width, control)

    def _problem(self, place: str, message: str) -> Problem:
        name, _, below = place.partition(".")
        try:
            known: Field | None = self.definition.field(name)
        except KeyError:
            known = None
        if known is None or known.mode == "hidden":
            return Problem("", "", capfirst(f"{place} {message}".strip()))
        return Problem(self.control(name).target(below), _label(known, below), message)


def _label(known: Field, below: str) -> str:
    """The label of the field, or of one in a group's row."""
    row, _, inner = below.partition(".")
    found = next((each for each in known.fields if each.name == inner), None)
    return known.label if found is None else f"{known.label} {int(row) + 1}: {found.label}"


def _on_page(item: Field | Note, used: set[str]) -> bool:
    """A hidden field is only where a condition looks at it."""
    return isinstance(item, Note) or item.mode != "hidden" or item.name in used


def _referred(definition: Definition) -> Iterator[str]:
    for item in definition.items:
        if item.visible_when is not None:
            yield from fields_in(item.visible_when)


def _by_place(problems: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    found: dict[str, Any] = {}
    for place, message in problems:
        found.setdefault(place, message)
    return found
