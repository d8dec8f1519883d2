"""What the buttons of the builder do to a form's content. Each returns the content, the item that is chosen then, and
what gets the focus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bifrost.sdk.specs import WorkflowSpec
from forms_app.builder.content import END, Content, Item, free_name, is_field
from workflows_app.inputs.from_parameters import field_of


@dataclass(frozen=True)
class Done:
    content: Content
    chosen: int
    focus: str = "panel"


@dataclass(frozen=True)
class Asked:
    """What a button is about: `number` the item it names, or the chosen one; `word` a parameter's name."""

    number: int
    word: str = ""
    workflow: WorkflowSpec | None = None
    arguments: Mapping[str, tuple[str, ...]] | None = None


def act(what: str, content: Content, asked: Asked) -> Done:
    """An unknown button, or one for an item that is not there, does nothing."""
    action = _ACTIONS.get(what)
    here = 0 <= asked.number < len(content.items)
    if action is None or not (here or (asked.number == END and what in _AT_THE_END)):
        return Done(content, asked.number if here else END)
    return action(content, asked)


def left_out(content: Content, workflow: WorkflowSpec | None) -> list[tuple[str, str]]:
    """The workflow's parameters that no field gives, by name and label."""
    there = set(content.names())
    return [(each.name, each.label) for each in (workflow.parameters if workflow else ()) if each.name not in there]


def _choose(content: Content, asked: Asked) -> Done:
    return Done(content, asked.number)


def _up(content: Content, asked: Asked) -> Done:
    there = max(asked.number - 1, 0)
    return Done(content.moved(asked.number, -1), there, "up" if there else "down")


def _down(content: Content, asked: Asked) -> Done:
    last = len(content.items) - 1
    there = min(asked.number + 1, last)
    return Done(content.moved(asked.number, 1), there, "down" if there < last else "up")


def _remove(content: Content, asked: Asked) -> Done:
    left = content.removed(asked.number)
    return Done(left, min(asked.number, len(left.items) - 1), "undo")


def _copy(content: Content, asked: Asked) -> Done:
    item = dict(content.items[asked.number])
    if is_field(item):
        name = free_name(str(item.get("name", "")), content.names())
        item |= {"name": name, "label": _("%s (copy)") % item.get("label", name), "sent": False}
    return _put_in(content, asked.number, item)


def _add_field(content: Content, asked: Asked) -> Done:
    item = {"type": "field", "name": free_name("field_1", content.names()), "kind": "text", "label": _("New field")}
    return _put_in(content, asked.number, {**item, "sent": False})


def _add_section(content: Content, asked: Asked) -> Done:
    return _put_in(content, asked.number, {"type": "section", "title": _("New section")})


def _add_text(content: Content, asked: Asked) -> Done:
    return _put_in(content, asked.number, {"type": "text", "text": _("What people should know.")})


def _add_parameter(content: Content, asked: Asked) -> Done:
    """The field that the workflow's own parameter makes, with what a data provider of it takes from fields above."""
    known = {each.name: each for each in (asked.workflow.parameters if asked.workflow else ())}
    if asked.word not in known or asked.word in content.names():
        return Done(content, asked.number)
    place = len(content.items) if asked.number == END else asked.number + 1
    parameter = known[asked.word]
    takes = (asked.arguments or {}).get(parameter.data_provider or "", ())
    return _put_in(content, asked.number, field_of(parameter, takes, set(content.names(place))).as_json())


def _put_in(content: Content, after: int, item: Item) -> Done:
    place = len(content.items) if after == END else after + 1
    return Done(content.added(item, place), place)


_ACTIONS: Mapping[str, Callable[[Content, Asked], Done]] = {
    "choose": _choose,
    "up": _up,
    "down": _down,
    "remove": _remove,
    "copy": _copy,
    "add-field": _add_field,
    "add-section": _add_section,
    "add-text": _add_text,
    "add-parameter": _add_parameter,
}
_AT_THE_END = frozenset({"choose", "add-field", "add-section", "add-text", "add-parameter"})
