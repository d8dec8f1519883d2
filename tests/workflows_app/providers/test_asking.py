"""The one door to options: kept for an organization, computed once for all who wait, cascading."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import wait

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bifrost.sdk.errors import ValidationError
from integrations.configs import set_config
from integrations.oauth import connections
from integrations.secret_defaults import write_default
from integrations.secret_places import MSP_DEFAULTS
from integrations.secrets import write_secret
from orgs.records import OrganizationRecord
from tests.factories import change
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add, asked_in_a_thread, values
from workflows_app.errors import UnknownDataProvider
from workflows_app.providers import asking
from workflows_app.providers.asking import options_of

COUNTING = """
    @data_provider(name="counting")
    async def counting(context):
        number = gates.called("counting", context.org_id)
        return [{"label": f"{context.org_name} {number}", "value": number}]
"""
WAITING = """
    @data_provider(name="waiting")
    async def waiting(context):
        number = gates.called("waiting", context.org_id)
        await gates.passed()
        return [{"label": "x", "value": number}]
"""
TEAMS = """
    @data_provider(name="teams")
    async def teams(context, department, site: str = "Oslo", size: int | None = None):
        gates.called(department, site, size)
        return [{"label": f"{department} in {site}", "value": f"{department}-{site}", "metadata": {"size": size}}]
"""


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_options_are_kept_for_the_organization_that_asked(
    add: Add, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    add(COUNTING)
    first, again, other = options_of(acme, "counting"), options_of(acme, "counting"), options_of(globex, "counting")
    assert [(option.label, option.value, option.metadata) for option in first.options] == [("Acme 1", 1, {})]
    assert (first.cached, again.cached, values(again)) == (False, True, [1])
    assert again.computed_at == first.computed_at
    assert ([option.label for option in other.options], other.cached) == (["Globex 2"], False)
    assert gates.calls == [("counting", "acme"), ("counting", "globex")]


def test_what_is_kept_costs_one_query_and_less_than_ten_milliseconds(add: Add, acme: OrganizationRecord) -> None:
    add(COUNTING)
    options_of(acme, "counting")
    with CaptureQueriesContext(connection) as queries:
        assert options_of(acme, "counting").cached
    times = []
    for _ in range(20):
        began = time.perf_counter()
        options_of(acme, "counting")
        times.append(time.perf_counter() - began)
    [query] = [query["sql"] for query in queries if not query["sql"].startswith("SET search_path")]
    assert "orgs_organization" in query
    assert min(times) < 0.010


def test_refresh_computes_them_anew_for_everybody(add: Add, acme: OrganizationRecord) -> None:
    add(COUNTING)
    options_of(acme, "counting")
    fresh = options_of(acme, "counting", refresh=True)
    assert (values(fresh), fresh.cached) == ([2], False)
    assert values(options_of(acme, "counting")) == [2]


def test_a_lifetime_of_nothing_keeps_nothing(add: Add, acme: OrganizationRecord) -> None:
    add(COUNTING.replace('name="counting"', 'name="counting", cache_ttl_seconds=0'))
    assert [(values(each), each.cached) for each in (options_of(acme, "counting"), options_of(acme, "counting"))] == [
        ([1], False),
        ([2], False),
    ]


def test_they_end_with_their_lifetime(add: Add, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    add(COUNTING.replace('name="counting"', 'name="counting", cache_ttl_seconds=60'))
    options_of(acme, "counting")
    usual = time.monotonic
    monkeypatch.setattr("workflows_app.providers.cache.time.monotonic", lambda: usual() + 59)
    assert options_of(acme, "counting").cached
    monkeypatch.setattr("workflows_app.providers.cache.time.monotonic", lambda: usual() + 61)
    assert not options_of(acme, "counting").cached


def by_config(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    set_config(acme, "region", "eu")


def by_default(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    set_config(msp, "region", "eu")


def by_secret(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    write_secret(acme, "crm_key", "a-new-value")


def by_default_secret(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    write_default(MSP_DEFAULTS, "crm_key", "a-new-value")


def by_connection(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    facts = {"name": "Crm", "provider": "generic", "client_id": "c", "client_authentication": "none"}
    connections.create(acme, {**facts, "authorize_url": "https://a.example", "token_url": "https://a.example/t"})


def by_shared_connection(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    by_connection(msp, msp)


@pytest.mark.parametrize(
    "changed", [by_config, by_default, by_secret, by_default_secret, by_connection, by_shared_connection]
)
def test_they_end_with_a_change_of_what_the_organization_is_connected_to(
    add: Add, acme: OrganizationRecord, msp: OrganizationRecord, changed: Callable[..., None]
) -> None:
    add(COUNTING)
    options_of(acme, "counting")
    changed(acme, msp)
    assert values(options_of(acme, "counting")) == [2]


def test_another_organization_s_change_ends_nothing(
    add: Add, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    add(COUNTING)
    options_of(acme, "counting")
    set_config(globex, "region", "eu")
    assert options_of(acme, "counting").cached


def test_they_end_with_a_change_of_the_organization_or_the_workspace(add: Add, acme: OrganizationRecord) -> None:
    add(COUNTING)
    options_of(acme, "counting")
    renamed = change(acme, name="Acme Ltd")
    assert [option.label for option in options_of(renamed, "counting").options] == ["Acme Ltd 2"]
    add(COUNTING.replace("{number}", "no. {number}"))
    assert [option.label for option in options_of(renamed, "counting").options] == ["Acme Ltd no. 3"]


# --- cascades ---------------------------------------------------------------------------------------------------------


def test_its_arguments_are_other_fields_by_name(add: Add, acme: OrganizationRecord) -> None:
    add(TEAMS)
    [option] = options_of(acme, "teams", {"department": "it", "site": "Bergen", "size": 3}).options
    assert (option.value, option.metadata) == ("it-Bergen", {"size": 3})


def test_different_inputs_have_options_of_their_own(add: Add, acme: OrganizationRecord) -> None:
    add(TEAMS)
    assert values(options_of(acme, "teams", {"department": "it"})) == ["it-Oslo"]
    assert values(options_of(acme, "teams", {"department": "hr"})) == ["hr-Oslo"]
    assert options_of(acme, "teams", {"site": "Oslo", "department": "it"}).cached
    # Empty is left out, and what is left out is the default: the same question.
    assert options_of(acme, "teams", {"department": "it", "site": None, "size": None}).cached
    assert gates.calls == [("it", "Oslo", None), ("hr", "Oslo", None)]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [({}, "department"), ({"department": None}, "department"), ({"department": "it", "size": "big"}, "size")],
)
def test_inputs_that_are_missing_or_wrong_are_named(
    add: Add, acme: OrganizationRecord, inputs: dict[str, object], field: str
) -> None:
    add(TEAMS)
    with pytest.raises(ValidationError) as refused:
        options_of(acme, "teams", inputs)
    assert [error["field"] for error in refused.value.details["errors"]] == [field]


def test_surplus_and_endless_inputs_are_refused(add: Add, acme: OrganizationRecord) -> None:
    add(TEAMS)
    with pytest.raises(ValidationError, match='"color" is not an input of this data provider'):
        options_of(acme, "teams", {"department": "it", "color": "red"})
    with pytest.raises(ValidationError, match="at most 8,000 bytes"):
        options_of(acme, "teams", {"department": "x" * 9_000})
    assert gates.calls == []


def test_an_unknown_data_provider(add: Add, acme: OrganizationRecord) -> None:
    add(COUNTING)
    with pytest.raises(UnknownDataProvider, match='There is no data provider "nothing"'):
        options_of(acme, "nothing")


# --- computed once ----------------------------------------------------------------------------------------------------


def test_many_who_wait_have_it_computed_once(add: Add, acme: OrganizationRecord) -> None:
    add(WAITING)
    futures = [asked_in_a_thread(acme, "waiting") for _ in range(8)]
    gates.wait_until(lambda: gates.calls)
    late = asked_in_a_thread(acme, "waiting")
    gates.opened.set()
    wait([*futures, late], gates.SECONDS)
    assert {tuple(values(future.result(0))) for future in [*futures, late]} == {(1,)}
    assert len(gates.calls) == 1


def test_whoever_refreshes_gets_what_began_afterwards_and_all_of_them_share_it(
    add: Add, acme: OrganizationRecord
) -> None:
    add(WAITING)
    first = asked_in_a_thread(acme, "waiting")
    gates.wait_until(lambda: gates.calls)
    pending = [asking.begin(acme, "waiting", refresh=True) for _ in range(5)]
    assert len({id(each.flight) for each in pending}) == 1
    gates.opened.set()
    assert values(first.result(gates.SECONDS)) == [1]
    assert [values(each.result()) for each in pending] == [[2]] * 5
    assert values(options_of(acme, "waiting")) == [2]


def test_a_change_meanwhile_is_not_answered_with_what_was_read_before(add: Add, acme: OrganizationRecord) -> None:
    add(WAITING)
    before = asked_in_a_thread(acme, "waiting")
    gates.wait_until(lambda: gates.calls)
    set_config(acme, "region", "eu")
    after = asked_in_a_thread(acme, "waiting")
    gates.wait_until(lambda: len(gates.calls) == 2)
    gates.opened.set()
    assert (values(before.result(gates.SECONDS)), values(after.result(gates.SECONDS))) == ([1], [2])
    # Whichever ended last, what is kept is the newer one.
    assert values(options_of(acme, "waiting")) == [2]
