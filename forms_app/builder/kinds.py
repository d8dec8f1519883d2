"""The kinds of fields in people's words: which a parameter may have, and what each may be set to."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from bifrost.sdk.rules import RULES
from workflows_app.inputs.fields import EXTRA_RULES, KINDS

NAMES = {
    "text": _("Text"),
    "long_text": _("Long text"),
    "number": _("Number"),
    "email": _("E-mail address"),
    "phone": _("Telephone number"),
    "date": _("Date"),
    "datetime": _("Date and time"),
    "timezone": _("Time zone"),
    "choice": _("Choice from a list"),
    "radio": _("Choice by buttons"),
    "multiple_choice": _("Several choices"),
    "checkbox": _("Checkbox"),
    "switch": _("Switch"),
    "json": _("JSON"),
    "secret": _("Secret"),
    "file": _("File"),
    "list": _("List of texts"),
    "key_value": _("Names and values"),
    "group": _("Repeating group"),
}
ICONS = {
    "text": "short_text",
    "long_text": "notes",
    "number": "numbers",
    "email": "mail",
    "phone": "call",
    "date": "calendar_today",
    "datetime": "schedule",
    "timezone": "public",
    "choice": "arrow_drop_down_circle",
    "radio": "radio_button_checked",
    "multiple_choice": "checklist",
    "checkbox": "check_box",
    "switch": "toggle_on",
    "json": "data_object",
    "secret": "key",
    "file": "attach_file",
    "list": "list",
    "key_value": "table_rows",
    "group": "dynamic_form",
}
_TEXTS = ("text", "long_text", "email", "phone", "timezone", "choice", "radio")
_OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "string": _TEXTS,
    "email": ("email", "choice", "radio"),
    "int": ("number", "choice", "radio"),
    "float": ("number", "choice", "radio"),
    "bool": ("checkbox", "switch"),
    "date": ("date",),
    "datetime": ("datetime",),
    "list": ("list", "multiple_choice", "group"),
    "dict": ("key_value", "json"),
    "secret": ("secret",),
    "file": ("file",),
}
#: Such a field has no initial value that anybody could write here, so it cannot be fixed or hidden either.
WITHOUT_DEFAULT = frozenset({"secret", "file", "group"})
WITH_PLACEHOLDER = frozenset({"text", "long_text", "number", "email", "phone", "secret", "json"})


def kinds_of(parameter_type: str | None) -> tuple[str, ...]:
    """Those that yield what such a parameter takes; all where the field is no parameter."""
    return _OF_TYPE.get(parameter_type or "", tuple(NAMES))


def rules_of(kind: str) -> tuple[str, ...]:
    """The rules that the builder offers for a kind, of those which its values may have."""
    if kind in ("email", "phone", "timezone", "choice", "radio"):
        return ()
    known = (*RULES.get(KINDS.get(kind, ""), ()), *EXTRA_RULES.get(kind, ()))
    return tuple(dict.fromkeys(rule for rule in known if rule != "enum"))


def allowed_rules(kind: str, rules: Mapping[str, object]) -> dict[str, object]:
    """What of a field's rules is left where it becomes this kind."""
    known = {*RULES.get(KINDS.get(kind, ""), ()), *EXTRA_RULES.get(kind, ())} - {"enum"}
    return {rule: value for rule, value in rules.items() if rule in known}
