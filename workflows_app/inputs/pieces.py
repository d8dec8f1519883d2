"""The options of one field for what was filled in so far, as the piece of a page that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.changing import only_row
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import Field
from workflows_app.inputs.naming import PREFIX
from workflows_app.inputs.offering import Offer
from workflows_app.inputs.reading import read
from workflows_app.inputs.rendering import Asked

# A piece of a page says what it is: an error, or a page to sign in at, must not stand in its place.
OPTIONS_HEADER = "X-Options"
# Takes the definition, or that of a group's row, its field, the values, and whether they are computed anew.
Offering = Callable[[Definition, Field, Mapping[str, JSON], bool], Offer]


def options_piece(
    request: HttpRequest, form: Definition, place: str, offering: Offering, *, zone: ZoneInfo, options_url: str
) -> HttpResponse:
    """Raises Http404 where no field at this place has options of a data provider."""
    try:
        definition, asked, row = form.place(place)
    except KeyError:
        raise Http404 from None
    if not asked.provider or asked.mode != "asked":
        raise Http404
    name = place.partition(".")[0]
    data = only_row(request.POST, PREFIX + name, row) if row else request.POST
    values, _problems = read(form, data, zone=zone)
    if row:
        values = next(iter(values.get(name) or ()), {})
    made = offering(definition, asked, values, request.GET.get("refresh") == "true")
    shown = Asked(form, values, options_url=options_url, offers={place: made}, zone=zone)
    answer = render(request, "inputs/kinds/provided.html", {"control": shown.control_at(place, values)})
    answer[OPTIONS_HEADER] = "true"
    return answer
