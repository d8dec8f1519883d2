"""What is edited: the items of a form as JSON, and what is said around them. Never changed in place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from django.utils.translation import gettext as _

Item = dict[str, Any]
#: In place of an item's number: what is said at the end of the form.
END = -1


@dataclass(frozen=True)
class Content:
    """Items need not be right yet: `checking` says what is wrong with them."""

    items: tuple[Item, ...] = ()
    submit_label: str = ""
    confirmation: str = ""

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        return cls(tuple(said.get("items", ())), said.get("submitLabel", ""), said.get("confirmation", ""))

    def as_json(self) -> dict[str, Any]:
        return {"items": list(self.items), "submitLabel": self.submit_label, "confirmation": self.confirmation}

    def names(self, before: int | None = None) -> list[str]:
        """The fields' names; those of the fields before an item, where one is given."""
        return [str(item.get("name", "")) for item in self.items[:before] if is_field(item)]

    def fields_before(self, number: int) -> dict[str, Item]:
        return {str(item.get("name")): item for item in self.items[: max(number, 0)] if is_field(item)}

    def put(self, number: int, item: Item) -> Content:
        """With this item in the place of the one there. Where a field got another name, what refers to it follows."""
        before, after = self.items[number].get("name"), item.get("name")
        rest = self.items[number + 1 :]
        if is_field(item) and before and after and before != after and before not in self.names(number):
            rest = tuple(_renamed(each, str(before), str(after)) for each in rest)
        return replace(self, items=(*self.items[:number], item, *rest))

    def added(self, item: Item, number: int) -> Content:
        return replace(self, items=(*self.items[:number], item, *self.items[number:]))

    def removed(self, number: int) -> Content:
        return replace(self, items=(*self.items[:number], *self.items[number + 1 :]))

    def moved(self, number: int, by: int) -> Content:
        """With the item one place further up (-1) or down (1); as it is where there is no such place."""
        there = number + by
        if not 0 <= there < len(self.items):
            return self
        items = list(self.items)
        items[number], items[there] = items[there], items[number]
        return replace(self, items=tuple(items))


def is_field(item: Mapping[str, Any]) -> bool:
    return bool(item.get("type", "field") == "field")


def title_of(item: Mapping[str, Any]) -> str:
    """What a person calls it."""
    if is_field(item):
        return str(item.get("label") or item.get("name") or _("Field"))
    text = str(item.get("title") or item.get("text") or "").strip()
    return text.splitlines()[0][:80] if text else (_("Section") if item["type"] == "section" else _("Text"))


def key_of(item: Mapping[str, Any]) -> str:
    """What tells it from others, as a page says which item it sends the settings of."""
    return f"field {item.get('name')}" if is_field(item) else title_of(item)


def free_name(wished: str, taken: list[str]) -> str:
    """The name, or one like it that no other field has."""
    base = identifier(wished)
    names = (base if number == 1 else f"{base}_{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def identifier(text: str) -> str:
    """A field's name made of a label."""
    name = re.sub(r"\W+", "_", text.strip().lower(), flags=re.ASCII).strip("_")[:60]
    return name if name.isidentifier() else f"field_{name}".rstrip("_")


def named_in(item: Mapping[str, Any]) -> Iterator[str]:
    """The fields that an item refers to, as far as it is readable."""
    inputs = item.get("inputs")
    yield from (str(name) for name in (inputs.values() if isinstance(inputs, Mapping) else ()))
    yield from _in_condition(item.get("visibleWhen"))


def _in_condition(condition: Any) -> Iterator[str]:
    if isinstance(condition, Mapping):
        if "field" in condition:
            yield str(condition["field"])
        for word in ("all", "any", "not"):
            yield from _in_condition(condition.get(word))
    elif isinstance(condition, list):
        for part in condition:
            yield from _in_condition(part)


def _renamed(item: Item, before: str, after: str) -> Item:
    changed = dict(item)
    if isinstance(inputs := item.get("inputs"), Mapping):
        changed["inputs"] = {argument: after if name == before else name for argument, name in inputs.items()}
    if "visibleWhen" in item:
        changed["visibleWhen"] = _renamed_condition(item["visibleWhen"], before, after)
    return changed


def _renamed_condition(condition: Any, before: str, after: str) -> Any:
    if isinstance(condition, list):
        return [_renamed_condition(part, before, after) for part in condition]
    if not isinstance(condition, Mapping):
        return condition
    said = {word: _renamed_condition(part, before, after) for word, part in condition.items() if word != "value"}
    if "value" in condition:
        said["value"] = condition["value"]
    return said | ({"field": after} if condition.get("field") == before else {})
