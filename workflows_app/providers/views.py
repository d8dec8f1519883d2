"""The API's doors to data providers: which there are, and the options that one of them gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from bifrost.sdk.errors import PermissionError
from bifrost.sdk.specs import DataProviderSpec
from bifrost.sdk.tolerant import JSON
from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_FORMS, VIEW_CONFIG
from orgs.records import Actor
from workflows_app import catalog
from workflows_app.errors import ProviderFailed
from workflows_app.parsers import query_arguments, refuse
from workflows_app.permissions import require_catalog, require_organization
from workflows_app.providers import health, openapi
from workflows_app.providers.asking import options_of
from workflows_app.providers.questions import find
from workflows_app.responses import answer
from workflows_app.views import ApiView

REFRESH = "refresh"


class DataProvidersView(ApiView):
    @openapi.list_data_providers
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        actor = self.access.actor
        require_catalog(actor)
        query_arguments(request, ())
        known = health.documents(organization, staff=actor.staff) if actor.can(VIEW_CONFIG) else {}
        found = sorted(catalog.current().data_providers.items())
        results = [_document(loaded.spec, known.get(name)) for name, loaded in found]
        return answer({"results": results, "next": None})


class DataProviderView(ApiView):
    @openapi.get_options
    def get(self, request: Request, name: str) -> HttpResponse:
        organization = require_organization(self.access)
        actor = self.access.actor
        _require_to_choose(actor)
        spec = find(name).spec
        given = query_arguments(request, {*spec.depends_on, REFRESH})
        fresh = _is_true(given.pop(REFRESH, "false"))
        try:
            return answer(options_of(organization, name, _inputs(spec, given), refresh=fresh).as_json())
        except ProviderFailed as failed:
            if actor.staff:
                failed.details["reason"] = failed.reason
            raise


def _require_to_choose(actor: Actor) -> None:
    """Options may be an organization's people: whoever uses forms alone gets those of a form, by the form."""
    if not (actor.can(EXECUTE_WORKFLOWS) or actor.can(MANAGE_FORMS)):
        raise PermissionError(
            f"This needs the permission {EXECUTE_WORKFLOWS} or {MANAGE_FORMS}.", required_permission=EXECUTE_WORKFLOWS
        )


def _inputs(spec: DataProviderSpec, given: Mapping[str, str]) -> dict[str, JSON]:
    """JSON values from the query's text; what has no type is text."""
    untyped = {parameter.name for parameter in spec.parameters if parameter.type == "json"}
    typed = spec.parse_text({name: text for name, text in given.items() if name not in untyped})
    return {**typed, **{name: text for name, text in given.items() if name in untyped}}


def _is_true(text: str) -> bool:
    if text not in ("true", "false"):
        refuse(REFRESH, f"{REFRESH} has to be true or false.")
    return text == "true"


def _document(spec: DataProviderSpec, known: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "name": spec.name,
        "description": spec.description,
        "category": spec.category,
        "cacheTtlSeconds": spec.cache_ttl_seconds,
        "inputs": spec.parameters_schema(),
        "health": known,
    }
