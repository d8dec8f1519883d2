"""Look-ups are kept for two seconds, or until something changes."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from orgs import directory
from orgs.models import Domain, Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import current_schema, org_context
from tests.factories import make_user


def test_an_organization_is_found_by_each_of_its_names(acme: OrganizationRecord) -> None:
    Domain.objects.create(tenant_id=acme.id, domain="acme.example")
    assert directory.organization_by_id(acme.id) == acme
    assert directory.organization_by_org_id("acme") == acme
    assert directory.organization_by_host("acme.example") == acme


def test_what_does_not_exist_is_none(db: None) -> None:
    assert directory.organization_by_id(uuid4()) is None
    assert directory.organization_by_org_id("nope") is None
    assert directory.organization_by_host("nope.example") is None
    assert directory.token_by_digest("0" * 64) is None
    assert directory.memberships_of(uuid4()) == ()


def test_the_msp_is_found_by_what_it_is(msp: OrganizationRecord) -> None:
    assert directory.msp() == msp


@pytest.mark.parametrize("org_id", ["acme", "nope"])
def test_the_second_look_up_makes_no_query(
    acme: OrganizationRecord, django_assert_num_queries: DjangoAssertNumQueries, org_id: str
) -> None:
    first = directory.organization_by_org_id(org_id)
    with django_assert_num_queries(0):
        assert directory.organization_by_org_id(org_id) == first


def test_a_change_is_seen_after_two_seconds(acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for second in (0.0, 1.9, 2.1):
        monkeypatch.setattr(directory, "monotonic", lambda now=second: now)
        found = directory.organization_by_id(acme.id)
        names.append(found and found.name)
        Organization.objects.filter(id=acme.id).update(name="Other")
    assert names == ["Acme", "Acme", "Other"]


def test_a_change_is_seen_at_once_when_forgotten(acme: OrganizationRecord) -> None:
    directory.organization_by_id(acme.id)
    Organization.objects.filter(id=acme.id).update(name="Other")
    directory.forget()
    changed = directory.organization_by_id(acme.id)
    assert changed is not None
    assert changed.name == "Other"


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    def look_up(key: str) -> str:
        kept.forget()  # somebody changes the row between the query and the keeping
        return key.upper()

    kept = directory._Kept(look_up)
    assert kept("a") == "A"
    assert kept._entries == {}


def test_strangers_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(directory, "MOST_ENTRIES", 3)
    for number in range(10):
        directory.token_by_digest(str(number))
    assert len(directory.token_by_digest._entries) <= 3


def test_a_look_up_inside_an_organization_reads_the_shared_tables(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    with org_context(acme):
        assert directory.organization_by_org_id("globex") == globex
        assert current_schema() == acme.schema_name


def test_a_membership_knows_its_scope(
    msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    user = make_user(msp, "technician", organizations=(acme,), tags=("silver",))
    (membership,) = directory.memberships_of(user.id)
    assert (membership.role, membership.is_msp, membership.chosen) == ("technician", True, {acme.id})
    assert membership.covers(acme)
    assert not membership.covers(globex)
