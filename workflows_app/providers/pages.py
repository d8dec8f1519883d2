"""The staff's page about an organization's data providers: what came of each last, and a way to ask it anew."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from bifrost.sdk.documents import encode
from bifrost.sdk.tolerant import JSON
from orgs.permissions import EXECUTE_WORKFLOWS, VIEW_CONFIG
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import organization_site
from workflows_app import catalog
from workflows_app.catalog import LoadedDataProvider
from workflows_app.errors import ProviderFailed, UnknownDataProvider
from workflows_app.permissions import require_organization
from workflows_app.providers.asking import options_of
from workflows_app.providers.models import ProviderHealth


@require_http_methods(["GET", "HEAD", "POST"])
def providers_page(request: HttpRequest) -> HttpResponse:
    """For those whom the organization's site has let in."""
    access = resolve(request)
    organization, actor = require_organization(access), access.actor
    if not actor.can(VIEW_CONFIG):
        raise PermissionDenied
    if request.method == "POST":
        if not actor.can(EXECUTE_WORKFLOWS):
            raise PermissionDenied
        _ask(request, organization, request.POST.get("provider", ""))
        return HttpResponseRedirect(reverse("organization-data-providers"))
    context = {
        **organization_site.each_context(request),
        "title": _("Data providers"),
        "providers": _rows(),
        "may_ask": actor.can(EXECUTE_WORKFLOWS),
    }
    return TemplateResponse(request, "workflows_app/providers.html", context)


def _ask(request: HttpRequest, organization: OrganizationRecord, name: str) -> None:
    """Says what came of it: to staff, with the reason."""
    loaded = catalog.current().data_providers.get(name)
    if loaded is not None and loaded.spec.not_given(()):
        messages.error(request, _('"%(name)s" needs values of other fields; a form asks it.') % {"name": name})
        return
    try:
        found = len(options_of(organization, name, refresh=True).options)
    except ProviderFailed as failed:
        messages.error(request, f"{failed.message} {failed.reason}")
    except UnknownDataProvider as unknown:
        messages.error(request, unknown.message)
    else:
        said = ngettext('"%(name)s" gave %(count)d option.', '"%(name)s" gave %(count)d options.', found)
        messages.success(request, said % {"name": name, "count": found})


def _rows() -> list[dict[str, Any]]:
    """All that the workspace offers, the failing ones first. One query; call in the organization's context."""
    found, users = catalog.current(), _used_by()
    known = {row.provider: row for row in ProviderHealth.objects.all()}
    rows = [_row(loaded, known.get(name), users[name]) for name, loaded in found.data_providers.items()]
    return sorted(rows, key=lambda row: (not row["failing"], row["spec"].name))


def _row(loaded: LoadedDataProvider, health: ProviderHealth | None, used_by: list[str]) -> dict[str, Any]:
    failing = health is not None and health.failures > 0
    return {
        "spec": loaded.spec,
        "place": f"{loaded.file}:{loaded.spec.line}",
        "health": health,
        "failing": failing,
        "log": [] if health is None else [_line(each) for each in health.log],
        "used_by": sorted(set(used_by)),
        "can_be_asked": not loaded.spec.not_given(()),
    }


def _line(logged: dict[str, JSON]) -> dict[str, JSON]:
    return {**logged, "data": "" if logged["data"] is None else encode(logged["data"])}


def _used_by() -> defaultdict[str, list[str]]:
    users: defaultdict[str, list[str]] = defaultdict(list)
    for name, loaded in catalog.current().workflows.items():
        for parameter in loaded.spec.parameters:
            if parameter.data_provider:
                users[parameter.data_provider].append(name)
    return users
