"""Configs are read and written; secrets are written, and only their names are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from integrations.config_values import type_of
from integrations.configs import delete_config, set_config, snapshot
from integrations.holding import config_document, config_documents
from integrations.secret_defaults import delete_default, write_default
from integrations.secret_places import MSP_DEFAULTS, Place, own_place, tag_place
from integrations.secrets import delete_secret, known_secrets, write_secret
from orgs.permissions import MANAGE_CONFIG, MANAGE_SECRETS, VIEW_CONFIG
from orgs.records import OrganizationRecord
from workflows_app.configuration import openapi
from workflows_app.errors import UnknownConfig, UnknownSecret
from workflows_app.parsers import query_arguments, read_object, refuse
from workflows_app.permissions import require, require_organization
from workflows_app.responses import answer
from workflows_app.views import ApiView

MOST_HOURS = 30 * 24


class ConfigsView(ApiView):
    @openapi.list_configs
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_CONFIG)
        query_arguments(request, ())
        return answer({"results": config_documents(snapshot(organization)), "next": None})


class ConfigView(ApiView):
    @openapi.get_config
    def get(self, request: Request, key: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_CONFIG)
        query_arguments(request, ())
        document = config_document(key, snapshot(organization))
        if document is None:
            raise UnknownConfig(f"There is no config {key!r}, neither the organization's own nor a default.")
        return answer(document)

    @openapi.put_config
    def put(self, request: Request, key: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_CONFIG)
        tag = query_arguments(request, {"tag"}).get("tag", "")
        body = _body(request, {"value", "type"})
        kind = body.get("type", type_of(body["value"]))
        set_config(organization, key, body["value"], kind, self.access.actor, tag)
        return answer({"key": key, "type": kind, "tag": tag or None})

    @openapi.delete_config
    def delete(self, request: Request, key: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_CONFIG)
        tag = query_arguments(request, {"tag"}).get("tag", "")
        if not delete_config(organization, key, self.access.actor, tag):
            raise UnknownConfig(f"The organization has no config {key!r} of its own.")
        return HttpResponse(status=204)


class SecretsView(ApiView):
    @openapi.list_secrets
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_CONFIG)
        query_arguments(request, ())
        found = [
            {"name": name, "origin": place.origin, "tag": place.tag or None}
            for name, place in known_secrets(organization)
        ]
        return answer({"results": found, "next": None})


class SecretView(ApiView):
    @openapi.put_secret
    def put(self, request: Request, name: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_SECRETS)
        place = _place(organization, request)
        body = _body(request, {"value", "overlapHours"})
        overlap = _overlap(body.get("overlapHours", 0))
        if place == own_place(organization):
            write_secret(organization, name, body["value"], self.access.actor, overlap)
        else:
            write_default(place, name, body["value"], self.access.actor, overlap)
        return answer({"name": name, "origin": place.origin, "tag": place.tag or None})

    @openapi.delete_secret
    def delete(self, request: Request, name: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_SECRETS)
        place = _place(organization, request)
        if place == own_place(organization):
            done = delete_secret(organization, name, self.access.actor)
        else:
            done = delete_default(place, name, self.access.actor)
        if not done:
            raise UnknownSecret(f"There is no secret {name!r} there.")
        return HttpResponse(status=204)


def _body(request: Request, allowed: set[str]) -> dict[str, Any]:
    body = read_object(request._request)
    for surplus in body.keys() - allowed:
        refuse(surplus[:100], f"The body takes {' and '.join(sorted(allowed))}.")
    if "value" not in body:
        refuse("value", "The body needs a value.")
    return body


def _place(organization: OrganizationRecord, request: Request) -> Place:
    """The organization's own; for the MSP's also the defaults of all, or of those with a tag."""
    given = query_arguments(request, {"default", "tag"})
    if not given:
        return own_place(organization)
    if not organization.is_msp:
        refuse(next(iter(given)), "Only the MSP's organization has defaults.")
    if "tag" in given:
        return tag_place(given["tag"])
    if given["default"] != "true":
        refuse("default", "default has to be true.")
    return MSP_DEFAULTS


def _overlap(hours: object) -> timedelta:
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= MOST_HOURS:
        refuse("overlapHours", f"overlapHours has to be a number from 0 to {MOST_HOURS}.")
    return timedelta(hours=hours)
