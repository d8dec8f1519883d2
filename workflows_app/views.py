"""The API's doors to workflows and executions: each reads a request, calls one function and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any, TypeVar, cast
from uuid import UUID

from django.http import HttpResponse
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from orgs import directory
from orgs.records import Access, Actor, OrganizationRecord
from workflows_app import catalog, executions, openapi, queries, retrying, sending
from workflows_app.errors import UnknownExecution
from workflows_app.models import Status
from workflows_app.parsers import query_arguments, read_object, read_value, refuse
from workflows_app.permissions import (
    managed_filter,
    may_see_tracebacks,
    owner_filter,
    require_catalog,
    require_execute,
    require_organization,
)
from workflows_app.responses import answer, answer_outcome
from workflows_app.start_options import StartOptions, start_options

T = TypeVar("T")

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NUMBER = re.compile(r"[0-9]{1,9}")
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
MOST_EXECUTIONS = 100
MOST_LINES = 1000


class AlwaysJSON(BaseContentNegotiation):
    """Every answer is JSON, whatever the client says that it accepts."""

    def select_parser(self, request: Request, parsers: Iterable[T]) -> T:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ApiView(APIView):
    """A view whose caller the resolver has let in. OPTIONS is no method of this API."""

    content_negotiation_class = AlwaysJSON
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    @property
    def access(self) -> Access:
        return cast(Access, self.request.auth)


class WorkflowsView(ApiView):
    @openapi.list_workflows
    def get(self, request: Request) -> HttpResponse:
        require_catalog(self.access.actor)
        given = query_arguments(request, {"category", "tag", "q"})
        found = queries.list_workflows(given.get("category"), given.get("tag"), given.get("q"))
        return answer({"results": found, "next": None})


class WorkflowView(ApiView):
    @openapi.get_workflow
    def get(self, request: Request, name: str) -> HttpResponse:
        require_catalog(self.access.actor)
        query_arguments(request, ())
        return answer(queries.get_workflow(name))

    @openapi.start_workflow
    def post(self, request: Request, name: str) -> HttpResponse:
        actor = self.access.actor
        organization = organization_for_start(self.access, name)
        require_execute(actor)
        options = start_options(request, actor)
        start = executions.Start(
            organization=organization,
            workflow=name,
            parameters=read_object(request._request),
            actor=actor,
            trigger=_trigger(actor, options),
            idempotency_key=idempotency_key(request),
            priority=options.priority,
            wait_seconds=options.wait_seconds,
        )
        return answer_outcome(executions.submit(start))


def _trigger(actor: Actor, options: StartOptions) -> dict[str, Any]:
    named = {"tokenName": actor.token_name} if actor.token_name else {}
    return {"type": "api", **named, **({"dryRun": True} if options.dry_run else {})}


class ExecutionsView(ApiView):
    @openapi.list_executions
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        owner = owner_filter(self.access.actor)
        given = query_arguments(request, {"status", "workflow", "since", "cursor", "limit"})
        filters = queries.Filters(known_status(given), given.get("workflow"), since(given), owner)
        limit = number(given, "limit", default=50, least=1, most=MOST_EXECUTIONS)
        return answer(queries.list_executions(organization, filters, limit, cursor(given)))


class ExecutionView(ApiView):
    @openapi.get_execution
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        owner = owner_filter(self.access.actor)
        query_arguments(request, ())
        return answer(queries.get_execution(organization, execution_uuid(execution_id), owner))


class LogsView(ApiView):
    @openapi.list_logs
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        owner = owner_filter(self.access.actor)
        return answer(queries.list_logs(organization, execution_uuid(execution_id), page(request), owner))


class JournalView(ApiView):
    @openapi.list_journal
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        actor = self.access.actor
        organization = require_organization(self.access)
        owner = owner_filter(actor)
        execution = execution_uuid(execution_id)
        tracebacks = may_see_tracebacks(actor)
        return answer(queries.list_journal(organization, execution, page(request), owner, tracebacks=tracebacks))


class CancelView(ApiView):
    @openapi.cancel_execution
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        actor = self.access.actor
        organization = require_organization(self.access)
        owner = managed_filter(actor)
        query_arguments(request, ())
        id_ = execution_uuid(execution_id)
        status = sending.cancel(organization, id_, actor, owner)
        return answer({"executionId": str(id_), "status": status, "pollUrl": f"/api/executions/{id_}"}, 202)


class SignalView(ApiView):
    @openapi.send_signal
    def post(self, request: Request, execution_id: str, name: str) -> HttpResponse:
        actor = self.access.actor
        organization = require_organization(self.access)
        owner = managed_filter(actor)
        query_arguments(request, ())
        id_ = execution_uuid(execution_id)
        status = sending.signal(organization, id_, name, read_value(request._request), actor, owner)
        return answer({"executionId": str(id_), "status": status, "pollUrl": f"/api/executions/{id_}"}, 202)


class RetryView(ApiView):
    @openapi.retry_execution
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        actor = self.access.actor
        organization = require_organization(self.access)
        require_execute(actor)
        owner = owner_filter(actor)
        query_arguments(request, ())
        same_code, fresh = retry_options(read_object(request._request))
        outcome = retrying.start_again(
            organization, execution_uuid(execution_id), actor, owner, same_code=same_code, fresh=fresh
        )
        return answer_outcome(outcome)


class ForkView(ApiView):
    @openapi.fork_execution
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        actor = self.access.actor
        organization = require_organization(self.access)
        require_execute(actor)
        owner = owner_filter(actor)
        given = query_arguments(request, {"step"})
        if "step" not in given:
            refuse("step", "step is missing: the number of the operation from which to go on.")
        step = number(given, "step", default=0, least=1, most=999_999_999)
        return answer_outcome(retrying.fork(organization, execution_uuid(execution_id), step, actor, owner))


# --- What requests say -----------------------------------------------------------------------------------------------


def organization_for_start(access: Access, name: str) -> OrganizationRecord:
    """The organization that the request names; without one the MSP's, for its staff and workflows that need none."""
    if access.organization is None and access.actor.staff and not catalog.find(name).spec.requires_org:
        own = directory.msp()
        if own is not None:
            return own
    return require_organization(access)


def idempotency_key(request: Request) -> str | None:
    """The header's value: 1 to 255 printable ASCII characters. Raises ValidationError for any other."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        refuse("Idempotency-Key", "The header Idempotency-Key has to be 1 to 255 printable ASCII characters.")
    return key


def retry_options(body: dict[str, Any]) -> tuple[bool, bool]:
    """Whether to run the code that it ran, and whether to take over nothing. Raises ValidationError."""
    for name in body.keys() - {"code", "fresh"}:
        refuse(name, f'"{name}" is unknown. Known here: code, fresh.')
    code, fresh = body.get("code", "current"), body.get("fresh", False)
    if code not in {"same", "current"}:
        refuse("code", "code has to be one of same, current.")
    if not isinstance(fresh, bool):
        refuse("fresh", "fresh has to be true or false.")
    return code == "same", fresh


def execution_uuid(text: str) -> UUID:
    """Raises UnknownExecution for what is no id, as for one that does not exist."""
    if not UUID_TEXT.fullmatch(text):
        raise UnknownExecution(queries.NO_EXECUTION)
    return UUID(text)


def page(request: Request) -> queries.Page:
    given = query_arguments(request, {"after", "limit"})
    after = number(given, "after", default=0, least=0, most=999_999_999)
    return queries.Page(after, number(given, "limit", default=200, least=1, most=MOST_LINES))


def number(given: dict[str, str], name: str, *, default: int, least: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not NUMBER.fullmatch(text) or not least <= int(text) <= most:
        refuse(name, f"{name} has to be a whole number from {least} to {most}.")
    return int(text)


def known_status(given: dict[str, str]) -> str | None:
    status = given.get("status")
    if status is not None and status not in Status.values:
        refuse("status", f"status has to be one of {', '.join(Status.values)}.")
    return status


def cursor(given: dict[str, str]) -> UUID | None:
    text = given.get("cursor")
    if text is None:
        return None
    if not UUID_TEXT.fullmatch(text):
        refuse("cursor", "cursor has to be the value of next in the page before.")
    return UUID(text)


def since(given: dict[str, str]) -> datetime | None:
    """A date or a time; without a zone it is UTC."""
    text = given.get("since")
    if text is None:
        return None
    # An unescaped plus of a zone arrives as a space.
    text = text.replace(" ", "+") if "T" in text else text
    try:
        moment = parse_datetime(text) or datetime.combine(parse_date(text) or refuse("since", NO_TIME), time.min)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        refuse("since", NO_TIME)


NO_TIME = "since has to be a date or a time, such as 2026-01-31 or 2026-01-31T09:00:00Z."
