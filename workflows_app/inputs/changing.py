"""What the buttons of a page do that change it rather than submit it, where the browser runs no script."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import QueryDict

from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.naming import ADD, CHANGES, PREFIX, REMOVE


def changes(data: QueryDict) -> bool:
    """Whether one of these buttons was pressed."""
    return any(button in data for button in CHANGES)


def without_removed(data: QueryDict) -> QueryDict:
    """What was sent, but for the row whose button was pressed."""
    name, _, row = data.get(REMOVE, "").rpartition(".")
    if not name:
        return data
    left = data.copy()
    left.setlist(name, [number for number in data.getlist(name) if number != row])
    return left


def only_row(data: QueryDict, name: str, row: str) -> QueryDict:
    """What was sent, but of that group only the row of that number."""
    left = data.copy()
    left.setlist(name, [row])
    return left


def with_added(definition: Definition, values: Mapping[str, JSON], data: QueryDict) -> dict[str, JSON]:
    """The values, with an empty row more in the group whose button was pressed. Keys and values always have one."""
    name = data.get(ADD, "").removeprefix(PREFIX)
    if not any(each.name == name and each.kind == "group" for each in definition.fields):
        return dict(values)
    rows = values.get(name)
    return {**values, name: [*(rows if isinstance(rows, list) else []), {}]}
