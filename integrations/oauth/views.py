"""The one address to which all providers lead back, whichever organization the connection is of."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.oauth.signing_in import START_AGAIN, organization_in
from orgs.sites import organization_page

_ORG_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@require_safe
def lead_back(request: HttpRequest) -> HttpResponse:
    """Leads to the page of the organization that the state names; what is there decides whether the person may be, and
    whether the state is good. Nothing is looked up here."""
    org_id = organization_in(request.GET.get("state", ""))
    if not _ORG_ID.fullmatch(org_id):
        return render(request, "orgs/denied.html", {"message": START_AGAIN}, status=400)
    page = organization_page(org_id, "admin:integrations_connection_callback")
    return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
