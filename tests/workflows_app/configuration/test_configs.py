"""/api/configs: what holds, and why."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.configs import set_config
from orgs.permissions import VIEW_CONFIG
from orgs.records import OrganizationRecord
from tests.audit_log import events as recorded
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal

TIMEOUT = "/api/configs/timeout"


def put(api: Api, path: str, body: Any) -> Any:
    import json

    return api.client.put(path, json.dumps(body), content_type="application/json", headers=api.headers)


def delete(api: Api, path: str) -> Any:
    return api.client.delete(path, headers=api.headers)


@pytest.mark.parametrize(
    ("value", "type_"), [("https://x", "string"), (30, "int"), (True, "bool"), ({"a": [1]}, "json"), (None, "json")]
)
def test_a_value_is_kept_with_the_type_that_it_has(api: Api, value: object, type_: str) -> None:
    assert put(api, TIMEOUT, {"value": value}).json() == {"key": "timeout", "type": type_, "tag": None}

    document = api.get(TIMEOUT).json()
    assert (document["value"], document["type"], document["origin"]) == (value, type_, "organization")


def test_it_says_which_one_holds_and_what_it_takes_the_place_of(
    api_of: ApiOf, msp_api: Api, globex: OrganizationRecord
) -> None:
    put(msp_api, TIMEOUT, {"value": 1})
    put(msp_api, f"{TIMEOUT}?tag=gold", {"value": 2})
    gold = api_of(globex)
    put(gold, TIMEOUT, {"value": 3})

    found = gold.get(TIMEOUT).json()

    assert (found["value"], found["origin"], found["tag"]) == (3, "organization", None)
    assert [(each["origin"], each["tag"], each["value"]) for each in found["candidates"]] == [
        ("organization", None, 3),
        ("tag", "gold", 2),
        ("msp", None, 1),
    ]
    assert delete(gold, TIMEOUT).status_code == 204
    assert gold.get(TIMEOUT).json()["value"] == 2


def test_a_tag_s_default_is_none_of_those_without_the_tag(api: Api, msp_api: Api) -> None:
    put(msp_api, f"{TIMEOUT}?tag=gold", {"value": 2})

    assert refusal(api.get(TIMEOUT)) == (404, "NotFound")
    assert api.get("/api/configs").json()["results"] == []


def test_the_list_holds_what_holds_by_key(api: Api, msp_api: Api) -> None:
    put(msp_api, "/api/configs/b", {"value": "default"})
    put(msp_api, "/api/configs/a", {"value": "default"})
    put(api, "/api/configs/a", {"value": "own"})

    results = api.get("/api/configs").json()["results"]

    assert [(each["key"], each["value"], each["origin"]) for each in results] == [
        ("a", "own", "organization"),
        ("b", "default", "msp"),
    ]


def test_a_value_under_a_key_like_a_secret_s_is_not_shown_and_a_secret_s_name_is(api: Api) -> None:
    put(api, "/api/configs/client_secret", {"value": "hunter22"})
    put(api, "/api/configs/api_key", {"value": "halo_api_key", "type": "secret"})

    found = {each["key"]: each["value"] for each in api.get("/api/configs").json()["results"]}

    assert found == {"client_secret": "REDACTED", "api_key": "halo_api_key"}
    assert "hunter22" not in api.get("/api/configs/client_secret").content.decode()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (TIMEOUT, {"value": "soon", "type": "int"}, "value"),
        (TIMEOUT, {"value": 1, "type": "number"}, "type"),
        (TIMEOUT, {}, "value"),
        (TIMEOUT, {"value": 1, "tyep": "int"}, "tyep"),
        ("/api/configs/a%20key", {"value": 1}, "key"),
        (f"{TIMEOUT}?tag=gold", {"value": 1}, "tag"),
        (f"{TIMEOUT}?tga=gold", {"value": 1}, "tga"),
    ],
)
def test_what_is_wrong_is_named(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    answer = put(api, path, body)

    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["field"] == field
    assert api.get("/api/configs").json()["results"] == []


def test_what_is_not_there_is_not_removed(api: Api, msp_api: Api) -> None:
    put(msp_api, TIMEOUT, {"value": 1})

    assert refusal(delete(api, TIMEOUT)) == (404, "NotFound")


def test_another_organization_s_is_none_of_ours(api: Api, globex: OrganizationRecord, acme: OrganizationRecord) -> None:
    set_config(globex, "timeout", 99, "int")

    assert refusal(api.get(TIMEOUT)) == (404, "NotFound")
    assert refusal(delete(api, TIMEOUT)) == (404, "NotFound")


def test_who_may_only_look_changes_nothing(api_of: ApiOf, acme: OrganizationRecord) -> None:
    viewer = api_of(acme, VIEW_CONFIG)

    assert viewer.get("/api/configs").status_code == 200
    assert refusal(put(viewer, TIMEOUT, {"value": 1})) == (403, "PermissionError")
    assert refusal(delete(viewer, TIMEOUT)) == (403, "PermissionError")


@pytest.mark.parametrize("path", ["/api/configs", TIMEOUT])
def test_who_may_not_look_sees_nothing(api_of: ApiOf, acme: OrganizationRecord, path: str) -> None:
    assert refusal(api_of(acme, "canSubmitForms").get(path)) == (403, "PermissionError")


def test_changes_are_in_the_audit_log(api: Api) -> None:
    put(api, TIMEOUT, {"value": 1})
    delete(api, TIMEOUT)

    assert [event.operation for event in recorded()] == ["config.set", "config.delete"]


@pytest.mark.parametrize("key", ["msgraph_login_url", "halopsa_api_url", "msgraph_tenant_id", "cw_company_id"])
def test_where_the_msp_s_credentials_go_is_for_the_msp_to_say(
    api: Api, msp: OrganizationRecord, api_of: ApiOf, key: str
) -> None:
    """A default secret or a shared connection would be sent there."""
    directing = f"/api/configs/{key}"
    refused = put(api, directing, {"value": "https://elsewhere.example"})
    assert (refused.status_code, refused.json()["error"]) == (403, "PermissionError")
    assert delete(api, directing).status_code == 403
    assert api.get(directing).status_code == 404

    staff = api_of(msp, **{"X-Organization-Id": "acme"})
    assert put(staff, directing, {"value": "here"}).status_code == 200
    assert api.get(directing).json()["origin"] == "organization"
    assert delete(staff, directing).status_code == 204
