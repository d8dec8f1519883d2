"""/api/secrets: written, and never read."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bifrost.sdk.errors import ConfigurationError
from integrations import secrets
from integrations.secrets import previous_secret_future, read_secret
from orgs.permissions import VIEW_CONFIG
from orgs.records import OrganizationRecord
from tests.audit_log import events as recorded
from tests.workflows_app.configuration.test_configs import delete, put
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal

KEY = "/api/secrets/api_key"


def previous(organization: OrganizationRecord) -> str:
    return previous_secret_future(organization, "api_key").result(5)


def test_what_is_set_is_read_by_workflows_and_shown_nowhere(api: Api, acme: OrganizationRecord) -> None:
    answer = put(api, KEY, {"value": "hunter22-of-acme"})

    assert answer.json() == {"name": "api_key", "origin": "organization", "tag": None}
    assert read_secret(acme, "api_key") == "hunter22-of-acme"
    assert api.get("/api/secrets").json()["results"] == [{"name": "api_key", "origin": "organization", "tag": None}]
    assert refusal(api.get(KEY)) == (405, "MethodNotAllowed")


def test_a_rotation_keeps_the_former_value_for_its_overlap(api: Api, acme: OrganizationRecord) -> None:
    for value in ("first", "second", "third"):
        assert put(api, KEY, {"value": value, "overlapHours": 1}).status_code == 200

    assert (read_secret(acme, "api_key"), previous(acme)) == ("third", "second")


def test_once_the_overlap_is_over_it_is_gone(api: Api, acme: OrganizationRecord) -> None:
    put(api, KEY, {"value": "first"})
    put(api, KEY, {"value": "second", "overlapHours": 0.0000001})

    with pytest.raises(ConfigurationError, match="has no previous value"):
        previous(acme)


def test_without_an_overlap_the_vault_itself_forgets_the_former_value(api: Api, acme: OrganizationRecord) -> None:
    put(api, KEY, {"value": "first"})
    put(api, KEY, {"value": "second"})

    assert secrets._as_organization(acme, "orgs/acme/api_key?version=1", time.monotonic() + 5) is None


def test_defaults_are_set_by_the_msp_and_found_behind_one_s_own(
    api_of: ApiOf, msp_api: Api, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    put(msp_api, f"{KEY}?default=true", {"value": "default-of-all"})
    put(msp_api, f"{KEY}?tag=gold", {"value": "default-of-gold"})
    gold, plain = api_of(globex), api_of(acme)

    assert (read_secret(acme, "api_key"), read_secret(globex, "api_key")) == ("default-of-all", "default-of-gold")
    assert plain.get("/api/secrets").json()["results"] == [{"name": "api_key", "origin": "msp", "tag": None}]
    assert gold.get("/api/secrets").json()["results"] == [{"name": "api_key", "origin": "tag", "tag": "gold"}]
    assert refusal(delete(gold, KEY)) == (404, "NotFound")
    assert delete(msp_api, f"{KEY}?tag=gold").status_code == 204
    assert read_secret(globex, "api_key") == "default-of-all"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (KEY, {}, "value"),
        (KEY, {"value": ""}, "value"),
        (KEY, {"value": 5}, "value"),
        (KEY, {"value": "x", "overlapHours": -1}, "overlapHours"),
        (KEY, {"value": "x", "overlapHours": 721}, "overlapHours"),
        (KEY, {"value": "x", "overlapHours": True}, "overlapHours"),
        ("/api/secrets/-bad", {"value": "x"}, "name"),
        (f"{KEY}?default=true", {"value": "x"}, "default"),
        (f"{KEY}?tag=gold", {"value": "x"}, "tag"),
    ],
)
def test_what_is_wrong_is_named(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    answer = put(api, path, body)

    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["field"] == field
    assert api.get("/api/secrets").json()["results"] == []


def test_another_organization_s_is_none_of_ours(api_of: ApiOf, api: Api, globex: OrganizationRecord) -> None:
    put(api_of(globex), KEY, {"value": "of-globex"})

    assert api.get("/api/secrets").json()["results"] == []
    assert refusal(delete(api, KEY)) == (404, "NotFound")
    assert read_secret(globex, "api_key") == "of-globex"


def test_who_may_not_manage_secrets_sets_none(api_of: ApiOf, acme: OrganizationRecord) -> None:
    viewer = api_of(acme, VIEW_CONFIG)

    assert refusal(put(viewer, KEY, {"value": "x"})) == (403, "PermissionError")
    assert refusal(delete(viewer, KEY)) == (403, "PermissionError")
    assert refusal(api_of(acme, "canSubmitForms").get("/api/secrets")) == (403, "PermissionError")


def test_the_audit_log_has_the_name_and_no_value(api: Api) -> None:
    put(api, KEY, {"value": "hunter22-of-acme"})
    delete(api, KEY)

    found = recorded()
    assert [(event.operation, event.object_id) for event in found] == [
        ("secret.set", "api_key"),
        ("secret.delete", "api_key"),
    ]
    assert "hunter22" not in str([event.metadata for event in found])
