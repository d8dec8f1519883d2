"""The settings of the chosen item, as controls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from bifrost.sdk.specs import DataProviderSpec, WorkflowSpec
from forms_app.builder import inner, kinds, values, when
from forms_app.builder.checking import Trouble
from forms_app.builder.content import END, Content, Item, is_field, key_of, title_of
from forms_app.builder.controls import Control, Group, Typed, options
from forms_app.builder.reading import MEGABYTE, parameter_type
from forms_app.builder.when import When
from workflows_app.inputs.fields import CHOOSING, TICKED

RULE_LABELS = {
    "min_length": ("Shortest, in characters", "number"),
    "max_length": ("Longest, in characters", "number"),
    "pattern": ("Pattern (regular expression)", "text"),
    "min": ("Least", "text"),
    "max": ("Most", "text"),
    "whole": ("Whole numbers only", "tick"),
    "step": ("Step", "text"),
    "max_bytes": ("Largest size in MB", "text"),
    "types": ("Types of files, such as .pdf, image/png", "text"),
    "many": ("Several files", "tick"),
    "items": ("Each line is: text, number or whole", "text"),
}


@dataclass(frozen=True)
class Panel:
    """What is shown of one item: its controls by groups, and when it is shown."""

    number: int
    key: str
    title: str
    kind: str
    groups: tuple[Group, ...]
    note: str = ""
    when: When | None = None
    inner: tuple[Group, ...] = ()
    troubles: tuple[Trouble, ...] = ()


def show(
    content: Content,
    number: int,
    workflow: WorkflowSpec | None,
    providers: Mapping[str, DataProviderSpec],
    troubles: Iterable[Trouble] = (),
) -> Panel:
    if number == END:
        return Panel(END, "", _("The end of the form"), "end", (_end(content),))
    item = content.items[number]
    mine = tuple(each for each in troubles if each.item == number)
    if not is_field(item):
        kind = _("Section") if item.get("type") == "section" else _("Text")
        return Panel(
            number, key_of(item), title_of(item), kind, (_note(item),), when=when.show(content, number), troubles=mine
        )
    groups = tuple(_field_groups(item, content.fields_before(number), workflow, providers))
    found = tuple(replace(group, controls=tuple(_told(each, mine) for each in group.controls)) for group in groups)
    is_parameter = parameter_type(item, workflow) is not None
    note = "" if is_parameter else _("The workflow does not get this value; it only decides what else is shown.")
    return Panel(
        number,
        key_of(item),
        title_of(item),
        str(kinds.NAMES.get(str(item.get("kind", "text")), item.get("kind"))),
        found,
        note,
        when.show(content, number),
        inner.show(item) if item.get("kind") == "group" else (),
        mine,
    )


def as_typed(panel: Panel, typed: Typed) -> Panel:
    """The panel with what a person sent, where that could not be taken over, and why."""

    def typed_in(control: Control) -> Control:
        if control.name not in typed:
            return control
        value = control.value if control.widget == "tick" else typed[control.name]
        if control.widget == "tick":
            value = "true" if typed.ticked(control.name) else ""
        return replace(control, value=value, problem=typed.problems.get(control.name, control.problem))

    def all_in(groups: tuple[Group, ...]) -> tuple[Group, ...]:
        return tuple(replace(group, controls=tuple(map(typed_in, group.controls))) for group in groups)

    shown = panel.when
    if shown is not None:
        rows = tuple(replace(row, value=typed_in(row.value) if row.value else None) for row in shown.rows)
        shown = replace(shown, rows=rows)
    return replace(panel, groups=all_in(panel.groups), inner=all_in(panel.inner), when=shown)


def _told(control: Control, troubles: Iterable[Trouble]) -> Control:
    """With what is wrong with its setting."""
    setting = control.setting or control.name
    return replace(control, problem=next((each.message for each in troubles if each.setting == setting), ""))


def _end(content: Content) -> Group:
    label = Control("submit_label", _("Words on the button"), value=content.submit_label, help=_("Empty: Submit"))
    thanks = _("Shown when it was submitted. Markdown.")
    text = Control("confirmation", _("Confirmation"), "textarea", content.confirmation, help=thanks, rows=6)
    return Group("", (label, text))


def _note(item: Item) -> Group:
    title = Control("title", _("Heading"), value=str(item.get("title", "")))
    rows = 6 if item.get("type") == "text" else 3
    text = Control("text", _("Text"), "textarea", str(item.get("text", "")), help=_("Markdown."), rows=rows)
    return Group("", (title, text))


def _field_groups(
    item: Item, before: Mapping[str, Item], workflow: WorkflowSpec | None, providers: Mapping[str, DataProviderSpec]
) -> Iterator[Group]:
    kind = str(item.get("kind", "text"))
    yield Group("", tuple(_words(item, kind, workflow)))
    if kind in CHOOSING:
        yield Group(_("What there is to choose from"), tuple(_choices(item, before, providers)))
    if kind not in kinds.WITHOUT_DEFAULT:
        yield Group(_("Initial value"), tuple(_value(item, kind)), paired=True)
    if rules := kinds.rules_of(kind):
        yield Group(_("What is accepted"), tuple(_rule(rule, item, kind) for rule in rules), paired=True)


def _words(item: Item, kind: str, workflow: WorkflowSpec | None) -> Iterator[Control]:
    given_to = parameter_type(item, workflow)
    words = [(each, kinds.NAMES[each]) for each in kinds.kinds_of(given_to)]
    yield Control("label", _("Label"), value=str(item.get("label", "")))
    if given_to is None:
        note = _("Letters, digits and underscores. What refers to the field follows when it changes.")
        yield Control("name", _("Name"), value=str(item.get("name", "")), help=note)
    yield Control("kind", _("Kind"), "select", kind, options(words, kind), live=True)
    yield Control("help", _("Help"), "textarea", str(item.get("help", "")), rows=2)
    if kind in kinds.WITH_PLACEHOLDER:
        yield Control("placeholder", _("Placeholder"), value=str(item.get("placeholder", "")))
    label = _("Must be ticked") if kind in TICKED else _("Must be filled in")
    yield Control("required", label, "tick", "true" if item.get("required") else "")
    widths = (("full", _("The whole width")), ("half", _("Half, beside another")))
    yield Control("width", _("Width"), "select", str(item.get("width", "full")), widths)


def _choices(item: Item, before: Mapping[str, Item], providers: Mapping[str, DataProviderSpec]) -> Iterator[Control]:
    chosen = str(item.get("provider") or "")
    offered = [("", _("The choices written below")), *((name, _provider(each)) for name, each in providers.items())]
    yield Control("provider", _("Options come from"), "select", chosen, options(offered, chosen), live=True)
    if not chosen:
        text = values.choices_text(item.get("choices"))
        note = _("One a line. Where people read other words than the workflow gets: value = label")
        yield Control("choices", _("Choices"), "textarea", text, help=note, rows=6)
        return
    inputs = item.get("inputs") or {}
    taken = providers[chosen].depends_on if chosen in providers else tuple(inputs)
    for argument in taken:
        name = str(inputs.get(argument, ""))
        fields = [("", _("No field")), *((each, title_of(said)) for each, said in before.items())]
        label = _("“%s” of the data provider is") % argument
        yield Control(f"input.{argument}", label, "select", name, options(fields, name), setting="inputs")


def _provider(provider: DataProviderSpec) -> str:
    return f"{provider.name}: {provider.description}" if provider.description else provider.name


def _value(item: Item, kind: str) -> Iterator[Control]:
    modes = (
        ("asked", _("People fill it in")),
        ("fixed", _("Shown, and nobody can change it")),
        ("hidden", _("Not shown")),
    )
    yield Control("mode", _("Who decides"), "select", str(item.get("mode", "asked")), modes)
    text = values.shown_default(item)
    label = _("Initial value") if item.get("mode", "asked") == "asked" else _("Value")
    if kind in TICKED:
        pair = (("false", _("Not ticked")), ("true", _("Ticked")))
        yield Control("default", label, "select", text or "false", pair)
    elif kind in ("choice", "radio") and item.get("choices"):
        offered = [("", _("Nothing chosen")), *_known(item)]
        yield Control("default", label, "select", text, options(offered, text))
    else:
        lines = {"list": 4, "multiple_choice": 4, "key_value": 4, "json": 5, "long_text": 3}.get(kind)
        notes = {
            **dict.fromkeys(("list", "multiple_choice"), _("One a line.")),
            "key_value": _("One a line: name = value"),
            "datetime": _("Such as 2026-03-01T09:00:00Z"),
        }
        widget = "textarea" if lines else "date" if kind == "date" else "text"
        yield Control("default", label, widget, text, rows=lines or 1, help=notes.get(kind, ""))


def _known(item: Item) -> Iterator[tuple[str, str]]:
    for choice in item["choices"]:
        said = choice if isinstance(choice, Mapping) else {"value": choice}
        yield json.dumps(said.get("value"), ensure_ascii=False), str(said.get("label", said.get("value")))


def _rule(rule: str, item: Item, kind: str) -> Control:
    value = (item.get("rules") or {}).get(rule)
    label, widget = RULE_LABELS[rule]
    if rule in ("min_length", "max_length") and kind not in ("text", "long_text", "secret"):
        label = "Fewest entries" if rule == "min_length" else "Most entries"
    if rule in ("min", "max") and kind in ("date", "datetime"):
        label, widget = "Earliest" if rule == "min" else "Latest", "date" if kind == "date" else "text"
    if rule == "max_bytes" and isinstance(value, (int, float)):
        value = f"{value / MEGABYTE:g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else values.text_of(value)
    return Control(f"rule.{rule}", _(label), widget, text, setting="rules")
