"""Alerts go to the MSP's webhook: to a real server, as JSON, once each."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orgs.records import OrganizationRecord
from workflows_app.alerts import delivery
from workflows_app.alerts.notices import Recipient
from workflows_app.alerts.sending import send_due

from .conftest import Configure
from .rows import alert, alerts, make_alert, make_notice, time_passes, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("to_ops")]


@pytest.fixture
def server(httpserver: HTTPServer, configure: Configure) -> HTTPServer:
    configure(webhook_url=httpserver.url_for("/hook"))
    return httpserver


def test_it_is_posted_as_json_beside_the_e_mail(acme: OrganizationRecord, server: HTTPServer) -> None:
    server.expect_request("/hook", method="POST").respond_with_data("ok")
    execution = uuid4()
    made = make_alert(acme, execution=execution, workflow="move_mail", details={"token": "x", "step": "move"})
    assert waiting() == [("alert", "email", 0), ("alert", "webhook", 0)]

    assert send_due() == 2

    [(request, _)] = server.log
    body = request.get_json()
    raised = body.pop("raisedAt")
    assert body == {
        "alertId": str(made),
        "organization": {"orgId": "acme", "name": "Acme"},
        "kind": "escalated",
        "severity": "error",
        "title": "Somebody has to look",
        "message": "It failed.",
        "details": {"token": "REDACTED", "step": "move"},
        "workflowName": "move_mail",
        "executionId": str(execution),
    }
    assert raised.endswith("Z") and request.headers["Idempotency-Key"] == str(made)
    assert {channel: made["state"] for channel, made in alert(acme).deliveries.items()} == {
        "email": "sent",
        "webhook": "sent",
    }


def test_as_many_calls_as_alerts(acme: OrganizationRecord, globex: OrganizationRecord, server: HTTPServer) -> None:
    server.expect_request("/hook").respond_with_data("", status=204)
    for organization in (acme, globex):
        for number in range(15):
            make_alert(organization, str(number))
            make_alert(organization, str(number))
    send_due()
    send_due()
    assert len(server.log) == 30
    assert len({request.headers["Idempotency-Key"] for request, _ in server.log}) == 30


@pytest.mark.parametrize("status", [301, 400, 500])
def test_an_answer_that_is_no_success_is_tried_again(acme: OrganizationRecord, server: HTTPServer, status: int) -> None:
    server.expect_ordered_request("/hook").respond_with_data("no", status=status, headers={"Location": "/elsewhere"})
    server.expect_ordered_request("/hook").respond_with_data("ok")
    make_alert(acme)
    assert send_due() == 1  # the e-mail
    assert alert(acme).deliveries["webhook"]["error"] == f"The webhook answered {status}."
    time_passes()
    assert send_due() == 1
    assert alert(acme).deliveries["webhook"]["state"] == "sent"
    assert [request.path for request, _ in server.log] == ["/hook", "/hook"]


def test_the_one_way_does_not_wait_for_the_other(acme: OrganizationRecord, server: HTTPServer) -> None:
    """What has gone by e-mail is not sent again because the webhook failed."""
    server.expect_request("/hook").respond_with_data("no", status=500)
    make_alert(acme)
    for _ in range(7):
        send_due()
        time_passes()
    found = alert(acme).deliveries
    assert (found["email"]["state"], found["email"]["attempts"]) == ("sent", 1)
    assert (found["webhook"]["state"], found["webhook"]["attempts"]) == ("failed", 5)
    assert len(server.log) == 5 and waiting() == []


def test_a_server_that_is_not_there_is_asked_once_a_batch(
    acme: OrganizationRecord, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        configure(webhook_url=f"http://127.0.0.1:{taken.getsockname()[1]}/hook")
        for number in range(3):
            make_alert(acme, str(number))
        send_due()
    errors = {found.deliveries["webhook"]["error"] for found in alerts(acme)}
    assert len(errors) == 1 and "ConnectError" in errors.pop()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()


def test_one_that_does_not_answer_is_given_up_after_its_time(
    acme: OrganizationRecord, server: HTTPServer, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(request: Request) -> Response:
        gate.wait(30)
        return Response()

    server.expect_request("/hook").respond_with_handler(never)
    monkeypatch.setattr(delivery, "WEBHOOK_SECONDS", 0.2)
    make_alert(acme)
    send_due()
    gate.set()
    assert "ReadTimeout" in alert(acme).deliveries["webhook"]["error"]


def test_an_address_that_is_none_is_kept_as_its_error(acme: OrganizationRecord, configure: Configure) -> None:
    configure(webhook_url="nonsense")
    make_alert(acme)
    send_due()
    assert "UnsupportedProtocol" in alert(acme).deliveries["webhook"]["error"]


def test_a_webhook_that_was_taken_away_meanwhile_is_left_out(
    acme: OrganizationRecord, server: HTTPServer, configure: Configure
) -> None:
    make_alert(acme)
    configure(webhook_url="")
    send_due()
    assert alert(acme).deliveries["webhook"]["state"] == "skipped" and server.log == []


def test_notices_do_not_go_there(acme: OrganizationRecord, server: HTTPServer) -> None:
    make_notice(acme, Recipient.at("ann@acme.example"))
    assert send_due() == 1 and server.log == []
