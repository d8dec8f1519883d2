"""How a person decides on a page: the fields of what was asked, a comment, and yes or no."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
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
INPUTS = {"email": "email", "date": "date", "int": "number"}


class DecisionForm(forms.Form):
    comment = forms.CharField(
        max_length=LONGEST_COMMENT, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])


class ValuesForm(forms.Form):
    """The fields that a run asks for, as inputs. `decide` says whether their values are right, and why not."""

    def __init__(self, fields: Sequence[dict[str, Any]], data: Any = None) -> None:
        super().__init__(data, prefix="value")
        self._form = Form.from_json(fields)
        shown = shown_values(fields)
        for parameter in self._form.parameters:
            self.fields[parameter.name] = _input(parameter, shown.get(parameter.name))

    def values(self) -> dict[str, Any]:
        """What was typed; a secret that was not is left as it is. Raises ValidationError for what nobody can read."""
        if not self.is_valid():
            raise ValidationError("The form is incomplete.")
        values = {}
        for parameter in self._form.parameters:
            text = self.cleaned_data[parameter.name]
            if parameter.type == "secret" and not text:
                continue
            try:
                values[parameter.name] = parameter.parse_text(text)
            except ValueError as error:
                message = f'Field "{parameter.name}" {error}'
                problem = {"field": f"values.{parameter.name}", "message": str(error)}
                raise ValidationError(message, field=problem["field"], details={"errors": [problem]}) from None
        return values

    def refuse(self, invalid: ValidationError) -> None:
        """Shows what is wrong beside the fields."""
        for error in invalid.details.get("errors", ()):
            name = str(error["field"]).removeprefix("values.")
            self.add_error(name if name in self.fields else None, str(error["message"]))


def _input(parameter: ParameterSpec, value: Any) -> forms.Field:
    help_text = parameter.description
    if parameter.type == "secret":
        help_text = f"{help_text} Left empty, it stays as it is.".strip()
    options = _options(parameter)
    facts: dict[str, Any] = {
        "label": parameter.label,
        "help_text": help_text,
        "required": False,
        "initial": _text(value),
    }
    if options:
        return forms.ChoiceField(
            choices=[(option, option) for option in options], widget=UnfoldAdminSelectWidget(), **facts
        )
    return forms.CharField(strip=False, widget=_widget(parameter.type, facts["initial"]), **facts)


def _options(parameter: ParameterSpec) -> list[str]:
    """What one may choose from, nothing included where that is an answer."""
    shape = parameter.values
    chosen = ["true", "false"] if parameter.type == "bool" else [_text(choice) for choice in shape.choices]
    if not chosen or parameter.type == "list":
        return []
    return ["", *chosen] if shape.nullable else chosen


def _widget(kind: str, text: str) -> forms.Widget:
    chosen: forms.Widget = UnfoldAdminTextInputWidget(attrs={"type": INPUTS[kind]} if kind in INPUTS else {})
    if kind == "secret":
        chosen = UnfoldAdminPasswordWidget()
    elif kind in {"list", "dict", "json"} or "\n" in text or len(text) > LONG_TEXT:
        chosen = UnfoldAdminTextareaWidget(attrs={"rows": 5})
    return chosen


def _text(value: Any) -> str:
    """The value as one types it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
