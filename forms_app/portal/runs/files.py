"""A file that a run has made or was given, for those who may see that run, and for whoever uploaded it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from forms_app.portal.visits import Visit, page
from workflows_app.errors import UnknownFile
from workflows_app.files.sending import download
from workflows_app.files.storing import open_file


@require_safe
@page()
def file_page(request: HttpRequest, visit: Visit, file: UUID) -> HttpResponse:
    try:
        return download(*open_file(visit.organization, file, visit.actor))
    except UnknownFile as missing:
        raise Http404("There is no such file.") from missing
