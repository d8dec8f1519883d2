"""What people will see of a form that is being built, in a frame beside it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from forms_app.builder import checking, when
from forms_app.builder.content import Content, Item, is_field, title_of
from forms_app.builder.pages import opened
from workflows_app.inputs.definition import Definition, Note
from workflows_app.inputs.fields import Field

#: The one place that says how the items are rendered: a template that gets `shown`, as `context_of` makes it.
TEMPLATE = "builder/preview_fields.html"


@xframe_options_sameorigin
def preview_page(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """For those who may change forms."""
    built = opened(request, form_id)
    context = {
        "built": built,
        "fields_template": TEMPLATE,
        "submit_label": built.content.submit_label,
        **context_of(built.content),
    }
    return TemplateResponse(request, "builder/preview.html", context)


def context_of(content: Content) -> dict[str, Any]:
    fields: dict[str, Item] = {}
    shown = []
    for item in readable(content).items:
        said = item.as_json()
        if isinstance(item, Field):
            fields[item.name] = said
        if isinstance(item, Note) or item.mode != "hidden":
            shown.append({"item": item, "condition": when.words_of(said.get("visibleWhen"), fields)})
    return {"shown": shown}


def readable(content: Content) -> Definition:
    """The form with a plain text field in the place of each field that is not right yet."""
    wrong = {trouble.item for trouble in checking.troubles_of(content)}
    items: list[Item] = []
    names: set[str] = set()
    for number, item in enumerate(content.items):
        if number not in wrong:
            items.append(item)
            names.add(str(item.get("name")))
        elif is_field(item) and (name := str(item.get("name"))).isidentifier() and name not in names:
            items.append({"type": "field", "name": name, "label": title_of(item)})
            names.add(name)
    return Definition.read(items)
