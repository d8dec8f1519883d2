"""Names and values as Graph writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from bifrost import ValidationError
from integrations.msgraph.names import all_of, literal, nickname_of, path_of, property_name
from integrations.msgraph.queries import Query, filter_of, search_of


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("job_title", "jobTitle"),
        ("department", "department"),
        ("jobTitle", "jobTitle"),
        ("on_premises_sync_enabled", "onPremisesSyncEnabled"),
        ("extension_ab12cd_badge", "extension_ab12cd_badge"),
        ("extension_AB_number", "extension_AB_number"),
    ],
)
def test_properties_may_be_written_as_python_does(given: str, name: str) -> None:
    assert property_name(given) == name


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("O'Neil", "'O''Neil'"),
        ("' or 1 eq 1 or 'a' eq '", "''' or 1 eq 1 or ''a'' eq '''"),
        (True, "true"),
        (None, "null"),
        (5, "5"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 11, 26), "2026-11-26T00:00:00Z"),
        (datetime(2026, 11, 26, 9, 30, tzinfo=UTC), "2026-11-26T09:30:00.000Z"),
    ],
)
def test_values_are_written_so_that_they_stay_values(value: Any, written: str) -> None:
    assert literal(value) == written


def test_conditions_are_joined_without_changing_them() -> None:
    assert all_of(None, "", None) is None
    assert all_of("a eq 1 or b eq 2") == "a eq 1 or b eq 2"
    assert all_of("a eq 1 OR b eq 2", "c eq 3") == "(a eq 1 OR b eq 2) and c eq 3"
    assert filter_of({"department": ["IT", "HR"], "account_enabled": True}) == (
        "department in ('IT', 'HR') and accountEnabled eq true"
    )


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("ann@acme.example", "/users/ann@acme.example"),
        ("ann#EXT#@acme.example", "/users/ann%23EXT%23@acme.example"),
        ("a/b?c@acme.example", "/users/a%2Fb%3Fc@acme.example"),
        ("$ann'@acme.example", "/users('%24ann%27%27@acme.example')"),
    ],
)
def test_a_key_is_text_and_no_part_of_the_address(key: str, path: str) -> None:
    assert path_of("users", key) == path


@pytest.mark.parametrize(
    ("name", "nickname"),
    [("ann.doe@acme.example", "ann.doe"), ("Jörg Müller", "JorgMuller"), ('a"b;c,d', "abcd"), ("x" * 80, "x" * 64)],
)
def test_mail_aliases_are_ascii(name: str, nickname: str) -> None:
    assert nickname_of(name) == nickname


@pytest.mark.parametrize("top", [0, -1, True, "5", 1.5])
def test_how_many_is_a_number_above_zero(top: Any) -> None:
    with pytest.raises(ValidationError, match="top must be a number above 0"):
        Query(top=top)


def test_nothing_cannot_be_searched_for() -> None:
    with pytest.raises(ValidationError, match="nothing to search for"):
        search_of(" ", ["displayName"])
