"""The list of a form's items as the builder shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from forms_app.builder import kinds, when
from forms_app.builder.checking import Trouble
from forms_app.builder.content import Content, Item, is_field, title_of


@dataclass(frozen=True)
class Row:
    """`marks` say in a word each what is particular; `condition` when it is shown, as a person would say it."""

    number: int
    title: str
    icon: str
    kind: str
    marks: tuple[str, ...]
    condition: str
    trouble: bool
    chosen: bool
    first: bool
    last: bool
    #: The button of the row that gets the focus.
    focus: str = ""
    place: str = ""


def rows_of(content: Content, chosen: int, troubles: Iterable[Trouble], focus: str = "") -> list[Row]:
    wrong = {trouble.item for trouble in troubles}
    last = len(content.items) - 1
    fields: dict[str, Item] = {}
    rows = []
    for number, item in enumerate(content.items):
        icon, kind = _kind(item)
        here = number == chosen
        row = Row(
            number,
            title_of(item),
            icon,
            kind,
            tuple(_marks(item)),
            when.words_of(item.get("visibleWhen"), fields),
            number in wrong,
            here,
            number == 0,
            number == last,
            focus if here and focus in ("up", "down") else "",
            _("%(title)s is now %(place)d of %(all)d.")
            % {"title": title_of(item), "place": number + 1, "all": last + 1},
        )
        rows.append(row)
        if is_field(item):
            fields[str(item.get("name"))] = item
    return rows


def _kind(item: Item) -> tuple[str, str]:
    if item.get("type") == "section":
        return "title", _("Section")
    if item.get("type") == "text":
        return "subject", _("Text")
    kind = str(item.get("kind", "text"))
    return kinds.ICONS.get(kind, "help"), str(kinds.NAMES.get(kind, kind))


def _marks(item: Item) -> Iterable[str]:
    if item.get("required"):
        yield _("required")
    if item.get("mode") == "fixed":
        yield _("fixed")
    if item.get("mode") == "hidden":
        yield _("not shown")
