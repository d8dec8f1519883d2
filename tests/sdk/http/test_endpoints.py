from __future__ import annotations

import pytest

from bifrost.sdk.http.endpoints import endpoint_of, same_endpoint


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/users", "/users"),
        ("/v1.0/users/ann@acme.example/licenseDetails", "/v1.0/users/{id}/licenseDetails"),
        ("/v1.0/users/ann%40acme.example", "/v1.0/users/{id}"),
        ("/v1.0/groups/3fa85f64-5717-4562-b3fc-2c963f66afa6/members/$ref", "/v1.0/groups/{id}/members/$ref"),
        ("/v1.0/users('ann@acme.example')/messages", "/v1.0/users({id})/messages"),
        ("/api/Tickets/4711?includedetails=true", "/api/Tickets/{id}"),
        ("/v4_6_release/apis/3.0/service/tickets/12/notes", "/v4_6_release/apis/3.0/service/tickets/{id}/notes"),
        ("/v2022_1/service/tickets", "/v2022_1/service/tickets"),
        ("/files/AbC123xyz9876543210abcdef", "/files/{id}"),
        ("/auditLogs/signIns", "/auditLogs/signIns"),
        ("", ""),
    ],
)
def test_what_is_particular_to_one_request_is_left_out(path: str, endpoint: str) -> None:
    assert endpoint_of(path) == endpoint


@pytest.mark.parametrize(
    ("tracked", "told", "same"),
    [
        ("/v4_6_release/apis/3.0/service/tickets/{id}", "/service/tickets/12", True),
        ("/users", "/users?$top=5", True),
        ("/users", "https://api.example.com/users", True),
        ("/users", "users", True),
        ("/superusers", "/users", False),
        ("/users", "/groups", False),
        ("/users", "", False),
    ],
)
def test_an_author_may_name_the_end_of_the_path(tracked: str, told: str, same: bool) -> None:
    assert same_endpoint(tracked, told) is same
