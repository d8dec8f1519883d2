from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bifrost.sdk.errors import ValidationError
from integrations import configs, queries
from integrations.configs import SecretReference, delete_config, resolve, set_config, snapshot
from orgs.models import Organization
from orgs.records import OrganizationRecord
from tests.integrations.conftest import make_organization


@pytest.fixture(autouse=True)
def nothing_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "_layers", configs._Layers())


@contextmanager
def queries_are(expected: int) -> Iterator[None]:
    """So many statements beside those which set the schema."""
    with CaptureQueriesContext(connection) as captured:
        yield
    assert len([query for query in captured if not query["sql"].startswith("SET search_path")]) == expected


def read(organization: OrganizationRecord, key: str) -> tuple[bool, Any]:
    return resolve(snapshot(organization), key)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("string", ""),
        ("string", "https://api.acme.example/ü"),
        ("int", 0),
        ("int", -(10**30)),
        ("bool", False),
        ("bool", True),
        ("json", {"a": [1, 2.5, None, "x"]}),
        ("json", None),
    ],
)
def test_a_value_comes_back_with_its_type(acme: OrganizationRecord, type_: str, value: object) -> None:
    set_config(acme, "key", value, type_)
    present, back = read(acme, "key")
    assert present
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "value", "field"),
    [
        ("string", 5, "value"),
        ("string", None, "value"),
        ("string", "nul \x00", "value"),
        ("string", "half \ud800", "value"),
        ("string", "x" * 256_000, "value"),
        ("int", "5", "value"),
        ("int", True, "value"),
        ("int", 5.0, "value"),
        ("bool", 1, "value"),
        ("bool", "true", "value"),
        ("json", float("nan"), "value"),
        ("json", {1: 2}, "value"),
        ("json", object(), "value"),
        ("secret", "not/a name", "name"),
        ("secret", 5, "value"),
        ("text", "x", "type"),
        ("", "x", "type"),
    ],
)
def test_a_value_of_another_type_is_refused(acme: OrganizationRecord, type_: str, value: object, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        set_config(acme, "key", value, type_)
    assert caught.value.field == field
    assert queries.config_rows(acme) == []


@pytest.mark.parametrize("key", ["", "a b", "a/b", "-a", "ä", "a\n", "x" * 201, 5, None])
def test_a_bad_key_is_refused(acme: OrganizationRecord, key: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        set_config(acme, key, "x")
    assert caught.value.field == "key"


def test_a_config_that_names_a_secret_yields_a_reference(acme: OrganizationRecord) -> None:
    set_config(acme, "api_key", "halopsa_api_key", "secret")
    assert read(acme, "api_key") == (True, SecretReference("halopsa_api_key"))


def test_a_missing_config_is_not_present(acme: OrganizationRecord) -> None:
    assert read(acme, "nothing") == (False, None)


def test_setting_again_replaces_value_and_type(acme: OrganizationRecord) -> None:
    set_config(acme, "key", "5")
    set_config(acme, "key", 6, "int")
    assert read(acme, "key") == (True, 6)
    assert [(row.key, row.type) for row in queries.config_rows(acme)] == [("key", "int")]


def test_deleting_tells_whether_there_was_one(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    set_config(globex, "key", "x")
    assert not delete_config(acme, "key")
    assert read(globex, "key") == (True, "x")
    assert delete_config(globex, "key")
    assert read(globex, "key") == (False, None)


def test_organizations_never_share_a_key(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    set_config(acme, "key", "of acme")
    set_config(globex, "key", "of globex")
    assert read(acme, "key") == (True, "of acme")
    assert read(globex, "key") == (True, "of globex")
    delete_config(acme, "key")
    assert read(acme, "key") == (False, None)
    assert read(globex, "key") == (True, "of globex")


def test_the_msps_configs_are_defaults_for_all_others(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    set_config(msp, "key", "default")
    set_config(msp, "other", "default")
    set_config(acme, "key", "own")
    values = snapshot(acme).values
    assert [(values[key].value, values[key].origin) for key in ("key", "other")] == [
        ("own", "organization"),
        ("default", "msp"),
    ]
    assert read(globex, "key") == (True, "default")
    assert read(msp, "key") == (True, "default")
    assert snapshot(msp).values["key"].origin == "organization"


def test_a_default_that_goes_or_changes_is_seen_by_the_next_run(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    set_config(msp, "key", "first")
    set_config(acme, "key", "own")
    assert read(acme, "key") == (True, "own")
    delete_config(acme, "key")
    assert read(acme, "key") == (True, "first")
    set_config(msp, "key", "second")
    assert read(acme, "key") == (True, "second")
    delete_config(msp, "key")
    assert read(acme, "key") == (False, None)


def test_a_snapshot_keeps_what_it_had(acme: OrganizationRecord) -> None:
    set_config(acme, "key", "before")
    before = snapshot(acme)
    set_config(acme, "key", "after")
    assert resolve(before, "key") == (True, "before")
    assert read(acme, "key") == (True, "after")


def test_what_one_run_does_to_a_value_no_other_run_sees(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    set_config(msp, "list", {"items": [1]}, "json")
    read(acme, "list")[1]["items"].append(2)
    assert read(acme, "list") == (True, {"items": [1]})
    assert read(globex, "list") == (True, {"items": [1]})


def test_a_known_version_costs_no_query_and_a_new_one_costs_one(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    set_config(msp, "default", "x")
    set_config(acme, "key", "x")
    versions = queries.config_versions(acme)
    snapshot(acme, *versions)
    with queries_are(0):
        assert resolve(snapshot(acme, *versions), "key") == (True, "x")
    set_config(acme, "key", "y")
    versions = queries.config_versions(acme)
    with queries_are(1):
        assert resolve(snapshot(acme, *versions), "key") == (True, "y")
    with queries_are(1):
        snapshot(acme)


def test_the_defaults_are_read_once_for_all_organizations(
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    msp: OrganizationRecord,
) -> None:
    set_config(msp, "key", "x")
    known = queries.config_versions(globex)
    snapshot(acme)
    with queries_are(1):
        assert resolve(snapshot(globex, *known), "key") == (True, "x")


def test_every_change_raises_the_version_of_that_organization_alone(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    seen = [queries.config_versions(acme)[0]]
    for change in (
        lambda: set_config(acme, "key", "x"),
        lambda: set_config(acme, "key", "y"),
        lambda: delete_config(acme, "key"),
    ):
        change()
        seen.append(queries.config_versions(acme)[0])
    assert sorted(set(seen)) == seen
    assert not delete_config(acme, "key")
    assert queries.config_versions(acme)[0] == seen[-1]
    assert queries.config_versions(globex)[0] == 0


def test_the_version_rises_even_while_the_clock_stands_still(
    acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.configs.time.time_ns", lambda: 1_000_000)
    set_config(acme, "key", "x")
    first = queries.config_versions(acme)[0]
    set_config(acme, "key", "y")
    assert queries.config_versions(acme)[0] == first + 1


def test_a_change_that_is_rolled_back_leaves_nothing_behind(acme: OrganizationRecord) -> None:
    set_config(acme, "key", "before")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        set_config(acme, "key", "rolled back")
        assert read(acme, "key") == (True, "rolled back")
        raise ZeroDivisionError
    assert read(acme, "key") == (True, "before")
    set_config(acme, "other", "x")
    assert read(acme, "key") == (True, "before")


def test_a_config_whose_version_cannot_be_raised_is_not_written(acme: OrganizationRecord) -> None:
    gone = make_organization("gone")
    stray = OrganizationRecord(gone.id, gone.org_id, "", acme.schema_name, "active", False, "", "UTC", ())
    with pytest.raises(Organization.DoesNotExist):
        set_config(stray, "key", "x")
    assert queries.config_rows(acme) == []


def test_only_so_many_organizations_are_kept(
    acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configs, "MOST_LAYERS", 1)
    set_config(acme, "key", "of acme")
    set_config(globex, "key", "of globex")
    for _ in range(2):
        assert read(acme, "key") == (True, "of acme")
        assert read(globex, "key") == (True, "of globex")
    assert len(configs._layers._entries) <= 1
