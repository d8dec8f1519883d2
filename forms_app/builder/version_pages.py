"""The versions of a form: which there are, what one has that another has not, and going back to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from bifrost.sdk.errors import DeclarationError
from forms_app import exchange, versions
from forms_app.builder.comparing import changes
from forms_app.builder.content import Content
from forms_app.builder.drafts import Built
from forms_app.builder.pages import form_address, is_number, opened, organization_of, page_context
from forms_app.errors import OutdatedForm, UnknownForm
from forms_app.versions import Version
from orgs.sites import actor_of


def versions_page(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """For those who may change forms."""
    built = opened(request, form_id)
    if request.method == "POST":
        return _restored(request, built)
    found = versions.list_versions(organization_of(request), form_id)
    context = {
        **page_context(request, built, "versions"),
        "versions": found,
        "asked": _asked(request, found),
        **_compared(request, built, found),
    }
    return TemplateResponse(request, "builder/versions.html", context)


def export_page(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """The form's newest version as a file."""
    built = opened(request, form_id)
    content = exchange.export_form(organization_of(request), form_id)
    headers = {"Content-Disposition": f'attachment; filename="{built.slug}.form.json"'}
    return HttpResponse(content, content_type="application/json", headers=headers)


def _compared(request: HttpRequest, built: Built, found: list[Version]) -> Mapping[str, Any]:
    """What is compared with what: two versions, or one with the person's draft."""
    if "from" not in request.GET:
        return {}
    contents = {str(each.number): _content(each) for each in found}
    if built.is_draft:
        contents["draft"] = built.content
    before, after = request.GET["from"], request.GET.get("to", str(built.version))
    if before not in contents or after not in contents:
        raise Http404(_("There is no such version."))
    return {"compared": {"from": before, "to": after}, "changes": changes(contents[before], contents[after])}


def _content(version: Version) -> Content:
    return Content(tuple(version.items), version.submit_label, version.confirmation)


def _asked(request: HttpRequest, found: list[Version]) -> Version | None:
    """Which version is to be brought back, if the person says yes."""
    return next((each for each in found if str(each.number) == request.GET.get("restore")), None)


def _restored(request: HttpRequest, built: Built) -> HttpResponse:
    number, expected = request.POST.get("restore", ""), request.POST.get("expected", "")
    if not (is_number(number) and is_number(expected)):
        raise Http404(_("There is no such version."))
    try:
        made = versions.restore(
            organization_of(request), built.id, int(number), expected=int(expected), actor=actor_of(request)
        )
    except UnknownForm:
        raise Http404(_("There is no such version.")) from None
    except (OutdatedForm, DeclarationError) as refused:
        messages.error(request, _("Nothing was changed. %s") % refused)
    else:
        text = _("Version %(made)d is saved. It is as version %(number)s was.")
        messages.success(request, text % {"made": made, "number": number})
    return HttpResponseRedirect(form_address(built.id, "versions"))
