"""The API's routes to webhooks and their deliveries."""

from __future__ import annotations

from uuid import uuid4

import pytest

from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_EXECUTIONS, MANAGE_SECRETS, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from workflows_app.models import WebhookDelivery

from .conftest import Sender, deliveries_of, executions_of, sender_of


@pytest.fixture
def api(api_of: ApiOf, acme: OrganizationRecord) -> Api:
    return api_of(acme)


def test_the_list_shows_every_webhook_and_the_state_of_its_secret(api: Api, acme: OrganizationRecord) -> None:
    sender = sender_of(acme)
    answer = api.get("/api/webhooks")
    found = {one["workflowName"]: one for one in answer.json()["results"]}
    assert list(found) == ["on_key", "on_payment", "on_sale", "on_ticket", "open_door"]
    assert found["on_sale"] == {
        "workflowName": "on_sale",
        "url": "/webhooks/acme/on_sale",
        "secretRequired": True,
        "hasSecret": False,
        "rotatedAt": None,
        "previousUntil": None,
    }
    assert found["on_ticket"]["hasSecret"] and found["on_ticket"]["rotatedAt"]
    assert not found["open_door"]["secretRequired"]
    assert sender.secret.encode() not in answer.content


def test_another_organizations_secret_is_not_told_of(
    api_of: ApiOf, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    sender_of(acme)
    assert not any(one["hasSecret"] for one in api_of(globex).get("/api/webhooks").json()["results"])


def test_a_rotation_shows_the_secret_once_and_it_works(api: Api, acme: OrganizationRecord) -> None:
    first = api.post("/api/webhooks/on_ticket/rotate")
    assert first.status_code == 200 and first.headers["Cache-Control"] == "no-store"
    assert first.json()["previousUntil"] is None
    assert Sender(first.json()["url"], first.json()["secret"]).send().status_code == 202
    second = api.post("/api/webhooks/on_ticket/rotate", {"overlapHours": 1}).json()
    assert second["previousUntil"] and second["secret"] != first.json()["secret"]
    assert Sender(second["url"], first.json()["secret"]).send().status_code == 202
    third = api.post("/api/webhooks/on_ticket/rotate", {"overlapHours": 0}).json()
    assert [Sender(third["url"], one["secret"]).send().status_code for one in (second, third)] == [400, 202]


@pytest.mark.parametrize(
    "body", [{"overlapHours": -1}, {"overlapHours": 721}, {"overlapHours": True}, {"overlapHours": "1"}, {"hours": 1}]
)
def test_a_bad_overlap_is_400(api: Api, body: object) -> None:
    assert refusal(api.post("/api/webhooks/on_ticket/rotate", body)) == (400, "ValidationError")


@pytest.mark.parametrize("name", ["closed", "nothing"])
def test_what_has_no_webhook_has_no_secret(api: Api, name: str) -> None:
    assert refusal(api.post(f"/api/webhooks/{name}/rotate")) == (404, "NotFound")


def test_deliveries_are_listed_newest_first_and_paged(
    api: Api, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    tickets, sales, others = sender_of(acme), sender_of(acme, "on_sale"), sender_of(globex)
    for hook in (tickets, sales, tickets, others):
        assert hook.send().status_code == 202
    ids = [str(delivery.id) for delivery in reversed(deliveries_of(acme))]
    first = api.get("/api/webhooks/deliveries?limit=2").json()
    rest = api.get(f"/api/webhooks/deliveries?limit=2&cursor={first['next']}").json()
    assert [one["webhookDeliveryId"] for one in first["results"] + rest["results"]] == ids and rest["next"] is None
    narrowed = api.get("/api/webhooks/deliveries?workflow=on_sale").json()["results"]
    assert [one["workflowName"] for one in narrowed] == ["on_sale"]


def test_a_delivery_shows_its_content_without_secrets(api: Api, acme: OrganizationRecord) -> None:
    sender = sender_of(acme)
    sender.send({"ticket_id": "T-1", "password": "hunter22", "text": "x" * 2_000}, **{"Webhook-Id": "d-1"})
    [delivery] = deliveries_of(acme)
    answer = api.get(f"/api/webhooks/deliveries/{delivery.id}")
    document = answer.json()
    assert document["deliveryId"] == "d-1" and document["canRedeliver"] is True and document["problem"] is None
    assert document["body"]["password"] == "REDACTED" and "more characters" in document["body"]["text"]
    assert document["executionId"] == str(executions_of(acme)[0].id)
    assert sender.secret.encode() not in answer.content and b"hunter22" not in answer.content


def test_a_delivery_is_delivered_once_more(api: Api, acme: OrganizationRecord) -> None:
    sender_of(acme).send()
    [delivery] = deliveries_of(acme)
    answer = api.post(f"/api/webhooks/deliveries/{delivery.id}/redeliver")
    assert answer.status_code == 202 and answer.json()["status"] == "Queued"
    assert answer.headers["Location"] == answer.json()["pollUrl"]
    assert api.get(answer.json()["pollUrl"]).json()["trigger"]["type"] == "webhook"
    again = api.get(f"/api/webhooks/deliveries/{answer.json()['webhookDeliveryId']}").json()
    assert again["redeliveryOf"] == str(delivery.id)


def test_where_the_body_was_not_kept_it_is_409(api: Api, acme: OrganizationRecord) -> None:
    sender_of(acme).send()
    with org_context(acme):
        WebhookDelivery.objects.update(body_sealed=None)
    [delivery] = deliveries_of(acme)
    assert api.get(f"/api/webhooks/deliveries/{delivery.id}").json()["canRedeliver"] is False
    assert refusal(api.post(f"/api/webhooks/deliveries/{delivery.id}/redeliver")) == (409, "Conflict")


@pytest.mark.parametrize("below", ["", "/redeliver"])
def test_another_organizations_deliveries_are_404_like_those_that_do_not_exist(
    api: Api, globex: OrganizationRecord, below: str
) -> None:
    sender_of(globex).send()
    [other] = deliveries_of(globex)
    ask = api.post if below else api.get
    answers = [ask(f"/api/webhooks/deliveries/{id_}{below}") for id_ in (other.id, uuid4(), "nonsense")]
    assert [refusal(answer) for answer in answers] == [(404, "NotFound")] * 3
    assert len({answer.content for answer in answers}) == 1 and len(executions_of(globex)) == 1


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("get", "/api/webhooks", EXECUTE_WORKFLOWS),
        ("get", "/api/webhooks/deliveries", VIEW_EXECUTIONS),
        ("get", "/api/webhooks/deliveries/{id}", VIEW_EXECUTIONS),
        ("post", "/api/webhooks/on_ticket/rotate", MANAGE_SECRETS),
        ("post", "/api/webhooks/deliveries/{id}/redeliver", MANAGE_EXECUTIONS),
    ],
)
def test_each_route_needs_its_permission(
    api_of: ApiOf, acme: OrganizationRecord, method: str, path: str, permission: str
) -> None:
    sender_of(acme).send()
    path = path.format(id=deliveries_of(acme)[0].id)
    every = {EXECUTE_WORKFLOWS, VIEW_EXECUTIONS, MANAGE_SECRETS, MANAGE_EXECUTIONS, "canApprove"}
    lacking = every - ({EXECUTE_WORKFLOWS, VIEW_EXECUTIONS} if permission == EXECUTE_WORKFLOWS else {permission})
    assert refusal(getattr(api_of(acme, *sorted(lacking)), method)(path)) == (403, "PermissionError")
    assert getattr(api_of(acme, permission), method)(path).status_code in {200, 202}


@pytest.mark.parametrize("path", ["on_ticket/rotate", "deliveries/{id}/redeliver"])
def test_a_get_changes_nothing(api: Api, acme: OrganizationRecord, path: str) -> None:
    sender_of(acme).send()
    answer = api.get(f"/api/webhooks/{path.format(id=deliveries_of(acme)[0].id)}")
    assert refusal(answer) == (405, "MethodNotAllowed")


def test_a_suspended_organization_is_403(api: Api, acme: OrganizationRecord) -> None:
    change(acme, status="suspended")
    assert refusal(api.post("/api/webhooks/on_ticket/rotate")) == (403, "PermissionError")
