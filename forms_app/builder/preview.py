"""What people will see of a form that is being built, in a frame beside it."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from forms_app.builder import checking
from forms_app.builder.content import Content, Item, is_field, title_of
from forms_app.builder.pages import opened, organization_of
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.rendering import Asked


@xframe_options_sameorigin
def preview_page(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """For those who may change forms."""
    built = opened(request, form_id)
    # Without an address for options, no data provider is asked.
    asked = Asked(readable(built.content), zone=ZoneInfo(organization_of(request).timezone))
    context = {"built": built, "asked": asked, "submit_label": built.content.submit_label}
    return TemplateResponse(request, "builder/preview.html", context)


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
