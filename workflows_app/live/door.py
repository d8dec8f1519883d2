"""Who may watch an execution: an ordinary view behind the one resolver, which a stream has to pass again and again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from rest_framework.request import Request

from orgs.records import OrganizationRecord
from workflows_app.errors import UnknownExecution
from workflows_app.live.looking import State, state_of
from workflows_app.parsers import query_arguments
from workflows_app.permissions import owner_filter, require_organization
from workflows_app.queries import NO_EXECUTION
from workflows_app.views import NUMBER, ApiView, execution_uuid, number

PASS = "bifrost.live"
RECONNECT_MILLISECONDS = 2_000
MOST = 999_999_999


@dataclass(frozen=True, slots=True)
class Admitted:
    """Someone who may watch this execution, is told of its state, and knows its journal up to `after`."""

    organization: OrganizationRecord
    execution: UUID
    state: State
    after: int


@dataclass(slots=True)
class Pass:
    """Lies in the environ of a request for a stream; the view writes into it whom it lets in."""

    admitted: Admitted | None = None


class LiveView(ApiView):
    """`GET live/executions/<id>?after=seq`. The answer is the stream's beginning: where nobody goes on with it (see
    `streaming`), as under plain WSGI, the browser comes again every two seconds."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, execution_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        owner = owner_filter(self.access.actor)
        given = query_arguments(request, {"after"})
        after = number(given, "after", default=0, least=0, most=MOST)
        last = request.headers.get("Last-Event-ID", "")
        execution = execution_uuid(execution_id)
        state = state_of(organization, execution, owner)
        if state is None:
            raise UnknownExecution(NO_EXECUTION)
        known = max(after, int(last)) if NUMBER.fullmatch(last) else after
        admitted = Admitted(organization, execution, state, known)
        asking = request.META.get(PASS)
        if isinstance(asking, Pass):
            asking.admitted = admitted
        body = beginning() + (events(state, known) if state.seq != known or state.ended else "")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return HttpResponse(body, content_type="text/event-stream", headers=headers)


# Nobody is sent to the page for signing in: who has not signed in is 401, which ends an EventSource.
live_execution = login_not_required(LiveView.as_view())


def beginning() -> str:
    return f"retry: {RECONNECT_MILLISECONDS}\n\n"


def events(state: State, told: int) -> str:
    """What a watcher is told who knows the journal up to `told`. The id comes back with a new connection."""
    data = f'id: {state.seq}\ndata: {{"seq": {state.seq}, "status": "{state.status}"}}\n\n'
    if not state.ended:
        return f"event: change\n{data}"
    return (f"event: change\n{data}" if state.seq != told else "") + f"event: end\n{data}"
