"""What the templates of result cards need: Markdown, and values as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows_app.markdown import render

register = template.Library()

NOTHING = "—"


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as safe HTML."""
    return render(text)


@register.filter
def readable(value: Any) -> str:
    """A JSON value in words: yes and no, lists with commas, and what is deeper as JSON."""
    match value:
        case None | "" | [] | {}:
            return NOTHING
        case True:
            return _("Yes")
        case False:
            return _("No")
        case str():
            return value
        case list() if not any(isinstance(each, list | dict) for each in value):
            return ", ".join(readable(each) for each in value)
    return json.dumps(value, ensure_ascii=False)


@register.filter
def pairs(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Labels and values; `.items` of a template would find a value of that name first."""
    return list(values.items())


@register.filter
def cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[tuple[str, Any]]:
    """The row's values in the order of the columns, each with its column."""
    return [(name, row.get(name)) for name in columns]
