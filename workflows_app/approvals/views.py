"""The API's doors to approvals. A GET never decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from workflows_app.approvals import openapi, queries
from workflows_app.approvals.deciding import NO_APPROVAL, decide
from workflows_app.errors import UnknownApproval
from workflows_app.models import Approval
from workflows_app.parsers import query_arguments, read_object, refuse
from workflows_app.permissions import require_organization
from workflows_app.responses import answer
from workflows_app.views import UUID_TEXT, ApiView, cursor, number

MOST = 100


class ApprovalsView(ApiView):
    @openapi.list_approvals
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        given = query_arguments(request, {"state", "cursor", "limit"})
        state = given.get("state")
        if state is not None and state not in Approval.State.values:
            refuse("state", f"state has to be one of {', '.join(Approval.State.values)}.")
        limit = number(given, "limit", default=50, least=1, most=MOST)
        return answer(queries.list_approvals(organization, self.access.actor, state, limit, cursor(given)))


class ApprovalView(ApiView):
    @openapi.get_approval
    def get(self, request: Request, approval_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        query_arguments(request, ())
        return answer(queries.get_approval(organization, approval_uuid(approval_id), self.access.actor))


class _DecisionView(ApiView):
    approve: bool

    def decided(self, request: Request, approval_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        actor, approval = self.access.actor, approval_uuid(approval_id)
        query_arguments(request, ())
        comment, values = decision_in(request, "values" if self.approve else "")
        decide(organization, approval, actor, approve=self.approve, comment=comment, values=values)
        return answer(queries.get_approval(organization, approval, actor))


class ApproveView(_DecisionView):
    approve = True

    @openapi.approve
    def post(self, request: Request, approval_id: str) -> HttpResponse:
        return self.decided(request, approval_id)


class RejectView(_DecisionView):
    approve = False

    @openapi.reject
    def post(self, request: Request, approval_id: str) -> HttpResponse:
        return self.decided(request, approval_id)


def approval_uuid(text: str) -> UUID:
    """Raises UnknownApproval for what is no id, as for one that does not exist."""
    if not UUID_TEXT.fullmatch(text):
        raise UnknownApproval(NO_APPROVAL)
    return UUID(text)


def decision_in(request: Request, values_name: str) -> tuple[str, dict[str, Any]]:
    """The body's comment, "" where there is none, and what it holds under this name, where it may. Raises
    ValidationError for anything else in the body."""
    body = read_object(request._request)
    names = [name for name in ("comment", values_name) if name]
    for surplus in body.keys() - set(names):
        refuse(surplus[:100], f"The body takes {' and '.join(names)} and nothing else.")
    comment, values = body.get("comment", ""), body.get(values_name, {})
    if not isinstance(comment, str):
        refuse("comment", "comment has to be text.")
    if not isinstance(values, dict):
        refuse("values", "values has to be an object.")
    return comment, values
