"""How a person decides on a page: the fields of what was asked, a comment, and yes or no."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.forms import Form
from bifrost.sdk.parameters import ParameterSpec
from workflows_app.approvals.deciding import LONGEST_COMMENT
from workflows_app.approvals.editing import shown_values

LONG_TEXT = 80
LEFT_EMPTY = "Left empty, it stays as it is."
INPUTS = {"email": "email", "date": "date", "int": "number"}


class DecisionForm(forms.Form):
    comment = forms.CharField(
        max_length=LONGEST_COMMENT, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])


class Widgets(NamedTuple):
    """What the inputs of a page are made of."""

    text: Callable[..., forms.Widget]
    secret: Callable[..., forms.Widget]
    area: Callable[..., forms.Widget]
    select: Callable[..., forms.Widget]


UNFOLD = Widgets(
    UnfoldAdminTextInputWidget, UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminSelectWidget
)
PLAIN = Widgets(forms.TextInput, forms.PasswordInput, forms.Textarea, forms.Select)


class ValuesForm(forms.Form):
    """The fields that a run asks for, or the input of a start, as inputs. `decide` says whether their values are
    right, and why not."""

    def __init__(self, fields: Sequence[dict[str, Any]], data: Any = None, widgets: Widgets = UNFOLD) -> None:
        super().__init__(data, prefix="value")
        self._form = Form.from_json(fields)
        shown = shown_values(fields)
        for parameter in self._form.parameters:
            self.fields[parameter.name] = _input(parameter, shown.get(parameter.name), widgets)

    def values(self) -> dict[str, Any]:
        """What was changed; what was not, is left out. Raises ValidationError for what nobody can read."""
        if not self.is_valid():
            raise ValidationError("The form is incomplete.")
        values, problems = {}, []
        for parameter in self._form.parameters:
            if self.add_prefix(parameter.name) not in self.data:
                continue
            text = self.cleaned_data[parameter.name].replace("\r\n", "\n")
            if text == self.fields[parameter.name].initial or (parameter.type == "secret" and not text):
                continue
            try:
                values[parameter.name] = parameter.parse_text(text)
            except ValueError as error:
                problems.append({"field": f"values.{parameter.name}", "message": str(error)})
        if problems:
            first = problems[0]
            message = f'Field "{first["field"].removeprefix("values.")}" {first["message"]}'
            raise ValidationError(message, field=first["field"], details={"errors": problems})
        return values

    def refuse(self, invalid: ValidationError) -> None:
        """Shows what is wrong beside the fields."""
        for error in invalid.details.get("errors", ()):
            name = str(error["field"]).removeprefix("values.")
            self.add_error(name if name in self.fields else None, str(error["message"]))


def _input(parameter: ParameterSpec, value: Any, widgets: Widgets) -> forms.Field:
    help_text = parameter.description
    if parameter.type == "secret":
        help_text = f"{help_text} {LEFT_EMPTY}".strip()
    options = _options(parameter)
    facts: dict[str, Any] = {
        "label": parameter.label,
        "help_text": help_text,
        "required": False,
        "initial": "" if parameter.type == "secret" else _text(value),
    }
    if options:
        return forms.ChoiceField(choices=options, widget=widgets.select(), **facts)
    return forms.CharField(strip=False, widget=_widget(parameter.type, facts["initial"], widgets), **facts)


def _options(parameter: ParameterSpec) -> list[tuple[str, Any]]:
    """What one may choose from, nothing included where that is an answer."""
    shape = parameter.values
    if parameter.type == "list":
        return []
    chosen: list[tuple[str, Any]] = [(text, text) for choice in shape.choices if (text := _text(choice))]
    if parameter.type == "bool":
        chosen = [("true", _("Yes")), ("false", _("No"))]
    return [("", "—"), *chosen] if chosen and shape.nullable else chosen


def _widget(kind: str, text: str, widgets: Widgets) -> forms.Widget:
    chosen = widgets.text(attrs={"type": INPUTS[kind]} if kind in INPUTS else {})
    if kind == "secret":
        chosen = widgets.secret()
    elif kind in {"list", "dict", "json"} or "\n" in text or len(text) > LONG_TEXT:
        chosen = widgets.area(attrs={"rows": 5})
    return chosen


def _text(value: Any) -> str:
    """The value as one types it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
