"""The API's doors to forms: each reads a request, calls one function and answers."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID, uuid5

from django.http import HttpResponse
from rest_framework.request import Request
from uuid6 import uuid7

from forms_app import openapi, queries
from forms_app.catalog import FormRecord, form_for, forms_for
from forms_app.errors import NotConfirmed
from forms_app.submitting import submit
from orgs.permissions import SUBMIT_FORMS
from orgs.records import Actor, OrganizationRecord
from workflows_app.actors import actor_key
from workflows_app.parsers import query_arguments, read_object, refuse
from workflows_app.permissions import owner_filter, require, require_organization
from workflows_app.responses import answer, answer_outcome
from workflows_app.views import UUID_TEXT, ApiView, cursor, idempotency_key, number

MOST = 100
# A program's idempotency keys become ids of submissions in this room of names.
KEYS = UUID("3f6a1c9e-5d0b-5b7e-9a43-6a1f0c2d8e74")
UNCONFIRMED = "The checks warn. Where it is meant so, send it once more with ?confirmed=true."


class FormsView(ApiView):
    @openapi.list_forms
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, SUBMIT_FORMS)
        query_arguments(request, ())
        found = forms_for(organization, self.access.actor)
        return answer({"results": [queries.summary_document(form) for form in found], "next": None})


class FormView(ApiView):
    @openapi.get_form
    def get(self, request: Request, slug: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, SUBMIT_FORMS)
        query_arguments(request, ())
        return answer(queries.form_document(form_for(organization, slug, self.access.actor)))


class SubmitView(ApiView):
    @openapi.submit_form
    def post(self, request: Request, slug: str) -> HttpResponse:
        organization, actor = require_organization(self.access), self.access.actor
        require(actor, SUBMIT_FORMS)
        given = query_arguments(request, {"confirmed"})
        confirmed = given.get("confirmed", "false")
        if confirmed not in ("true", "false"):
            refuse("confirmed", "confirmed has to be true or false.")
        form = form_for(organization, slug, actor)
        id_ = submission_id(request, organization, actor, form)
        values = read_object(request._request)
        submitted = submit(organization, actor, form, values, id_, confirmed=confirmed == "true")
        if submitted.outcome is None:
            raise NotConfirmed(UNCONFIRMED, {"checks": [asdict(finding) for finding in submitted.findings]})
        return answer_outcome(submitted.outcome)


class SubmissionsView(ApiView):
    @openapi.list_submissions
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        owner = owner_filter(self.access.actor)
        given = query_arguments(request, {"form", "cursor", "limit"})
        form = given.get("form")
        if form is not None and not UUID_TEXT.fullmatch(form):
            refuse("form", "form has to be a form's id.")
        limit = number(given, "limit", default=50, least=1, most=MOST)
        return answer(queries.list_submissions(organization, owner, UUID(form) if form else None, limit, cursor(given)))


def submission_id(request: Request, organization: OrganizationRecord, actor: Actor, form: FormRecord) -> UUID:
    """The same for the same Idempotency-Key of this caller for this form; without one a new one."""
    key = idempotency_key(request)
    return uuid7() if key is None else uuid5(KEYS, f"{organization.id} {form.id} {actor_key(actor)} {key}")
