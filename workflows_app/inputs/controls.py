"""One field as a page shows it: its input, what describes it, and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from bifrost.sdk.documents import encode
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs import typed, uploads
from workflows_app.inputs.definition import Definition, value_of
from workflows_app.inputs.fields import CHOOSING, TICKED, Choice, Field
from workflows_app.inputs.judging import time_zones
from workflows_app.inputs.naming import KEPT, among, option_text
from workflows_app.inputs.offering import Offer

# The kinds whose parts have labels of their own, so that theirs is a legend.
SEVERAL = frozenset({"radio", "multiple_choice", "key_value", "group"})
# What stands for the number of a row that is added; a row of a group may hold rows of keys and values.
_NEW_ROW, _NEW_PAIR = "__group__", "__pair__"
_INPUTS: Mapping[str, Mapping[str, str]] = {
    "text": {"type": "text"},
    "email": {"type": "email", "inputmode": "email", "spellcheck": "false", "autocapitalize": "none"},
    "phone": {"type": "tel", "inputmode": "tel"},
    "date": {"type": "date"},
    "datetime": {"type": "datetime-local"},
    "timezone": {"type": "text", "spellcheck": "false"},
    # Not type="number": that one loses what it cannot read, and changes when one scrolls.
    "number": {"type": "text", "inputmode": "decimal"},
    "secret": {"type": "password", "autocomplete": "new-password", "spellcheck": "false"},
    "file": {"type": "file"},
}
# A form mostly asks about somebody else, whom the browser does not know; these ask the person who fills it in.
_AUTOCOMPLETE: Mapping[str, str] = {
    "your_name": "name",
    "your_email": "email",
    "your_phone": "tel",
    "your_company": "organization",
}


@dataclass(frozen=True)
class Scope:
    """What the controls of one form, or of one row of a group, have in common. `place`: where problems are told."""

    prefix: str
    problems: Mapping[str, str]
    zone: ZoneInfo
    place: str = ""
    options_url: str = ""
    offers: Mapping[str, Offer] = field(default_factory=dict)
    token: Callable[[JSON], str] | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Row:
    """Of a group: its controls, with those that its values hide; of keys and values: these."""

    number: str
    controls: tuple[tuple[Control, bool], ...] = ()
    key: str = ""
    value: str = ""


@dataclass(frozen=True)
class Control:
    field: Field
    scope: Scope
    values: Mapping[str, JSON]

    @property
    def name(self) -> str:
        return self.scope.prefix + self.field.name

    @property
    def id(self) -> str:
        # What a run asks may be called as it likes; an id has no blanks.
        return "i-" + "-".join(self.name.replace(".", " ").split())

    @property
    def template(self) -> str:
        kind = self.field.kind
        if self.field.mode == "fixed":
            return "inputs/kinds/fixed.html"
        if self.field.provider:
            return "inputs/kinds/provided.html"
        return f"inputs/kinds/{_TEMPLATES.get(kind, kind)}.html"

    @cached_property
    def value(self) -> JSON:
        """What it holds; where nothing was read yet, what it begins with."""
        return value_of(self.field, self.values)

    @property
    def condition(self) -> str:
        """When it is shown, as the page's script reads it."""
        return "" if self.field.visible_when is None else encode(dict(self.field.visible_when))

    @property
    def constant(self) -> str:
        """The value, as JSON, of a field that nobody can change: conditions look at it."""
        return "" if self.field.mode == "asked" else encode(self.value)

    @property
    def grouped(self) -> bool:
        return self.field.kind in SEVERAL and self.field.mode == "asked"

    @property
    def ticked(self) -> bool:
        return self.field.kind in TICKED

    @property
    def error(self) -> str:
        return capfirst(self.scope.problems.get(self.scope.place + self.field.name, ""))

    @property
    def described_by(self) -> str:
        parts = {"help": self.field.help, "hint": self.hint, "error": self.error}
        return " ".join(f"{self.id}-{part}" for part, text in parts.items() if text)

    @property
    def hint(self) -> str:
        """What the page says of itself: which clock a time is of, what a file may be, that a secret is typed again."""
        kind, rules = self.field.kind, self.field.rules
        if kind == "secret" and self.value:
            return _("Type it again: it is not shown a second time.")
        if kind == "datetime":
            return _("By the clock of {zone}.").format(zone=self.scope.zone.key.replace("_", " "))
        if kind == "list":
            return _("One on each line.")
        if kind == "file":
            return uploads.hint(rules)
        return ""

    @property
    def text(self) -> str:
        """What stands in its one input."""
        kind, value = self.field.kind, self.value
        if value is None or kind in ("secret", "file"):
            return ""
        if kind == "datetime":
            return typed.clock(value, self.scope.zone)
        if kind == "json":
            return typed.document_text(value)
        if kind == "list" and isinstance(value, list):
            return "\n".join(each if isinstance(each, str) else encode(each) for each in value)
        return value if isinstance(value, str) else encode(value)

    @property
    def shown(self) -> str:
        """The value of a field that nobody can change, as one reads it."""
        if self.ticked:
            return _("Yes") if self.value else _("No")
        if self.field.choices:
            known = {option_text(choice.value): choice.label for choice in self.field.choices}
            chosen = self.value if isinstance(self.value, list) else [self.value]
            return ", ".join(known.get(option_text(value), self.text) for value in chosen)
        if isinstance(self.value, (dict, list)) and self.field.kind != "list":
            return typed.document_text(self.value)
        return self.text.replace("T", " ") if self.field.kind == "datetime" else self.text

    @property
    def attributes(self) -> dict[str, str]:
        """Of its input, beside name, id and value."""
        kind, rules = self.field.kind, self.field.rules
        said = {"autocomplete": _AUTOCOMPLETE.get(self.field.name, "off"), **_INPUTS.get(kind, {})}
        if kind == "number" and rules.get("whole"):
            said["inputmode"] = "numeric"
        if kind in ("date", "datetime"):
            bounds = {bound: str(rules[bound]) for bound in ("min", "max") if rules.get(bound) is not None}
            said |= (
                bounds if kind == "date" else {name: typed.clock(at, self.scope.zone) for name, at in bounds.items()}
            )
        if kind == "timezone":
            said["list"] = f"{self.id}-zones"
        if kind == "file" and rules.get("types"):
            said["accept"] = ",".join(rules["types"])
        return said | self.states

    @property
    def states(self) -> dict[str, str]:
        """What an assistive technology is told of it."""
        said = {"aria-describedby": self.described_by, "aria-invalid": "true" if self.error else ""}
        if self.field.required and self.field.kind not in ("radio", "multiple_choice"):
            said["aria-required"] = "true"
        return {name: text for name, text in said.items() if text}

    @property
    def zones(self) -> tuple[str, ...]:
        return time_zones()

    # --- options -----------------------------------------------------------------------------------------------------

    @property
    def several(self) -> bool:
        return self.field.kind == "multiple_choice"

    @property
    def options_url(self) -> str:
        return self.scope.options_url + self.field.name if self.scope.options_url else ""

    @property
    def withheld(self) -> str:
        """Which inputs of the page are not sent when it asks for options: everything but what is secret is."""
        return "not " + ",".join(self.scope.secrets) if self.scope.secrets else "*"

    @property
    def depends(self) -> str:
        return " ".join(dict.fromkeys(self.field.inputs.values()))

    @property
    def offer(self) -> Offer | None:
        """What its data provider offers, where that is known."""
        return self.scope.offers.get(self.scope.place + self.field.name)

    @property
    def held(self) -> list[str]:
        """What was chosen, while the options are not known yet."""
        return [option_text(value) for value in self._chosen]

    @cached_property
    def options(self) -> list[Option]:
        known: tuple[Choice, ...] = self.field.choices
        if self.field.provider:
            known = self.offer.options if self.offer else ()
        found = [among(value, [choice.value for choice in known]) for value in self._chosen]
        texts = {option_text(value) for value in found if value is not None}
        return [
            Option(self.id if number == 0 else f"{self.id}-{number}", text, choice.label, text in texts)
            for number, choice in enumerate(known)
            for text in [option_text(choice.value)]
        ]

    @property
    def _chosen(self) -> list[JSON]:
        if self.field.kind not in CHOOSING or self.value is None:
            return []
        return self.value if isinstance(self.value, list) else [self.value]

    # --- files and rows ----------------------------------------------------------------------------------------------

    @property
    def kept(self) -> list[dict[str, Any]]:
        """Files that were stored with an earlier try; without a way to remember them they are chosen again."""
        files = self.value if isinstance(self.value, list) else [self.value]
        if self.scope.token is None:
            return []
        return [
            {"name": each["name"], "size": each["size"], "token": self.scope.token(each), "id": f"{self.id}-{number}"}
            for number, each in enumerate(files)
            if isinstance(each, dict)
        ]

    @property
    def kept_name(self) -> str:
        return f"{self.name}.{KEPT}"

    @cached_property
    def rows(self) -> list[Row]:
        if self.field.kind == "key_value":
            return [*self._pairs, Row(str(len(self._pairs)))]
        rows = self.value if isinstance(self.value, list) else []
        if not rows and self.field.required:
            rows = [{}]
        return [self._row(str(number), row) for number, row in enumerate(rows)]

    @property
    def new_row(self) -> Row:
        """What a row that is added begins as."""
        return Row(_NEW_PAIR) if self.field.kind == "key_value" else self._row(_NEW_ROW, {})

    def target(self, below: str) -> str:
        """The id of what a problem leads to: an input, or one in a row."""
        row, _, inner = below.partition(".")
        for each in self.rows if self.field.kind == "group" and inner else ():
            for control, _seen in each.controls if each.number == row else ():
                if control.field.name == inner:
                    return control.target("")
        return self.id

    def in_row(self, number: str, values: Mapping[str, JSON], name: str) -> Control:
        """The control of one field in the group's row of that number."""
        return next(control for control, _seen in self._row(number, values).controls if control.field.name == name)

    @property
    def _pairs(self) -> list[Row]:
        value = self.value or {}
        pairs = value.items() if isinstance(value, dict) else [each for each in value if len(each) == 2]
        return [Row(str(number), key=str(key), value=str(text)) for number, (key, text) in enumerate(pairs)]

    def _row(self, number: str, values: Mapping[str, JSON]) -> Row:
        scope = replace(
            self.scope,
            prefix=f"{self.name}.{number}.",
            place=f"{self.scope.place}{self.field.name}.{number}.",
            options_url=f"{self.scope.options_url}{self.field.name}.{number}." if self.scope.options_url else "",
        )
        visible = {item.name for item in Definition(self.field.fields).visible(values) if isinstance(item, Field)}
        controls = (Control(each, scope, values) for each in self.field.fields if each.mode != "hidden")
        return Row(number, tuple((control, control.field.name in visible) for control in controls))


_TEMPLATES: Mapping[str, str] = {
    **dict.fromkeys(("text", "email", "phone", "date", "datetime", "number", "secret"), "input"),
    **dict.fromkeys(("long_text", "json", "list"), "area"),
    **dict.fromkeys(TICKED, "tick"),
    "radio": "options",
    "multiple_choice": "options",
}
