"""What a form whose workflow answers at once asks of the database does not depend on how much there is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.models import User
from orgs.records import OrganizationRecord
from tests.factories import make_token
from tests.forms_app.portal.runs.rows import make_request

from .conftest import PAGE, MakeForm, executions, filled

MANY = 40
MOST = 32
Send = Callable[[], None]


@pytest.fixture(params=["page", "api"])
def send(acme: OrganizationRecord, requester: Client, request: pytest.FixtureRequest) -> Send:
    """Submits the form, by its page or by the API. Its workflow has run when it is answered."""
    headers = {"Authorization": f"Bearer {make_token(acme)}"}

    def by_page() -> None:
        assert requester.post(PAGE, filled()).status_code == 302

    def by_api() -> None:
        answer = requester.post("/api/forms/welcome/submit", {"name": "Ada"}, "application/json", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "Success")

    return by_page if request.param == "page" else by_api


def statements(send: Send) -> int:
    """Of what is not kept by the process for a while, such as which organizations there are."""

    def once() -> int:
        with CaptureQueriesContext(connection) as captured:
            send()
        return len(captured)

    return min(once() for _ in range(3))


def test_a_run_by_a_form_takes_as_many_statements_among_many_forms_and_requests(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm, send: Send
) -> None:
    make_form(acme)
    send()
    few = statements(send)
    person = User.objects.get(id=requester.session["_auth_user_id"])
    for number in range(MANY):
        make_form(acme, slug=f"welcome-{number}", name=f"Welcome {number}")
        make_request(acme, person)

    assert statements(send) == few <= MOST
    assert {execution["status"] for execution in executions(acme)} == {"Success"}
