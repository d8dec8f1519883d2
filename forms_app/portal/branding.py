"""How the organization looks: the page where that is changed, and the logo and the colours themselves.

Both are found by what they are, so that a browser keeps them, and so that whoever does not know them finds nothing.
"""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from forms_app.portal.forms import BrandingForm
from forms_app.portal.visits import Visit, can, page
from orgs import directory
from orgs.branding import change_branding, logo_of
from orgs.colours import shades
from orgs.entering import organization_at
from orgs.errors import Refused
from orgs.permissions import MANAGE_CONFIG
from orgs.records import BrandingRecord

FOR_EVER = "public, max-age=31536000, immutable"
STYLE = """:root {{
  --accent: light-dark({0.light}, {0.dark});
  --on-accent: light-dark({0.on_light}, {0.on_dark});
}}
"""


def logo_address(branding: BrandingRecord) -> str:
    return reverse("portal-logo", args=[branding.logo]) if branding.logo else ""


def colours_address(branding: BrandingRecord) -> str:
    return reverse("portal-colours", args=[branding.colour.removeprefix("#")]) if branding.colour else ""


@page(can(MANAGE_CONFIG))
def show_branding(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """GET shows the form, POST saves it."""
    now = directory.branding_of(visit.organization.id)
    initial = {"name": now.name, "own_colour": bool(now.colour), "colour": now.colour or "#1d5fbf"}
    form = BrandingForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _saved(form, visit):
        messages.success(request, _("The branding is saved."))
        return HttpResponseRedirect(reverse("portal-branding"))
    context = {"form": form, "logo_url": logo_address(now)}
    return render(request, "portal/branding.html", context)


def _saved(form: BrandingForm, visit: Visit) -> bool:
    values = form.cleaned_data
    logo = values["logo"].read() if values["logo"] else None
    try:
        change_branding(
            visit.organization,
            visit.actor,
            name=values["name"],
            colour=values["colour"] if values["own_colour"] else "",
            logo=logo,
            without_logo=values["without_logo"],
        )
    except Refused as refused:
        form.add_error("logo", str(refused))
        return False
    return True


@login_not_required
@require_safe
def show_logo(request: HttpRequest, digest: str) -> HttpResponse:
    organization = organization_at(request)
    logo = logo_of(organization.id, digest) if organization else None
    if logo is None:
        raise Http404
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(logo, content_type="image/png", headers=headers)


@login_not_required
@require_safe
def show_colours(request: HttpRequest, colour: str) -> HttpResponse:
    """The style sheet of a colour, whosever it is."""
    if not re.fullmatch(r"[0-9a-f]{6}", colour):
        raise Http404
    return HttpResponse(
        STYLE.format(shades(f"#{colour}")), content_type="text/css; charset=utf-8", headers={"Cache-Control": FOR_EVER}
    )
