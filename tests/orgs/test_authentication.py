"""The resolver behind Django REST framework: what views see, and that sessions need their CSRF token."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.middleware.csrf import _get_new_csrf_string
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from orgs.authentication import BifrostAuthentication
from orgs.errors import AccessDenied, Denied, Unauthenticated
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.schema import BifrostCredentials
from tests.factories import make_token, make_user


class Door(APIView):
    """Says whom it sees. Refusals come out as they are raised."""

    authentication_classes = [BifrostAuthentication]

    def get(self, request: Request) -> Response:
        organization = request.auth.organization
        return Response({"kind": request.user.kind, "organization": organization and organization.org_id})

    post = get

    def handle_exception(self, exc: Exception) -> Response:
        raise exc


def knock(method: str = "get", *, user: User | None = None, headers: Any = None, **extra: Any) -> HttpResponse:
    request = getattr(APIRequestFactory(enforce_csrf_checks=True), method)("/api/door", headers=headers, **extra)
    if user:
        request.user = user
    return Door.as_view()(request)


def test_a_view_sees_the_actor_and_the_access(acme: OrganizationRecord) -> None:
    answer = knock(headers={"Authorization": f"Bearer {make_token(acme)}"})
    assert answer.data == {"kind": "token", "organization": "acme"}


def test_a_door_is_shut_without_credentials(db: None) -> None:
    with pytest.raises(Unauthenticated) as refused:
        knock()
    assert not isinstance(refused.value, APIException)
    assert refused.value.headers == {"WWW-Authenticate": 'Bearer realm="bifrost"'}


def test_a_token_posts_without_csrf_token(acme: OrganizationRecord) -> None:
    assert knock("post", headers={"x-functions-key": make_token(acme)}).data["kind"] == "token"


def test_a_session_reads_without_csrf_token(acme: OrganizationRecord) -> None:
    answer = knock(user=make_user(acme), headers={"X-Organization-Id": "acme"})
    assert answer.data == {"kind": "user", "organization": "acme"}


def test_a_session_that_posts_without_csrf_token_is_403(acme: OrganizationRecord) -> None:
    with pytest.raises(AccessDenied, match="CSRF"):
        knock("post", user=make_user(acme), headers={"X-Organization-Id": "acme"})


def test_a_session_that_posts_with_its_csrf_token_is_let_in(acme: OrganizationRecord) -> None:
    secret = _get_new_csrf_string()
    headers = {"X-Organization-Id": "acme", "X-CSRFToken": secret, "Cookie": f"csrftoken={secret}"}
    assert knock("post", user=make_user(acme), headers=headers).data["kind"] == "user"


def test_a_header_cannot_make_a_session_look_like_a_token(acme: OrganizationRecord) -> None:
    with pytest.raises(Denied):
        knock("post", user=make_user(acme), headers={"X-Organization-Id": "acme", "Authorization": "Bearer x"})


def test_the_schema_names_every_kind_of_credentials() -> None:
    extension = BifrostCredentials(BifrostAuthentication)
    kinds = [definition["type"] for definition in extension.get_security_definition(None)]
    assert kinds == ["http", "apiKey", "apiKey"]
    assert len(extension.name) == len(kinds)
