"""Files on the staff's pages about an organization."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from orgs.resolver import resolve
from workflows_app.errors import UnknownFile
from workflows_app.files.sending import download
from workflows_app.files.storing import NO_FILE, open_file
from workflows_app.permissions import require_organization


@require_safe
def download_page(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """For those whom the organization's site has let in. 404 also for a file that this person may not read."""
    access = resolve(request)
    try:
        return download(*open_file(require_organization(access), file_id, access.actor))
    except UnknownFile as unknown:
        raise Http404(NO_FILE) from unknown
