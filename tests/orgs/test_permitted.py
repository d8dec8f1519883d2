"""Who of an organization's people may do something, and who of those that are named gets in."""

from __future__ import annotations

from orgs.permissions import APPROVE, MANAGE_CONFIG, VIEW_ORGANIZATIONS
from orgs.permitted import among, how_many_may, who_may
from orgs.records import OrganizationRecord
from tests.factories import make_user


def test_active_members_with_the_permission_are_counted(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    admin = make_user(acme, "admin")
    make_user(acme, "operator")
    make_user(acme, "requester")
    make_user(acme, "viewer")
    make_user(acme, "owner", is_active=False)
    make_user(globex, "admin")
    make_user(msp, "admin", all_organizations=True)
    assert how_many_may(acme, APPROVE) == 2
    assert how_many_may(acme, APPROVE, without=admin.id) == 1
    # A permission that only a workflow names: those who have everything.
    assert how_many_may(acme, "canPay") == 1
    assert how_many_may(acme, VIEW_ORGANIZATIONS) == 0
    assert how_many_may(msp, APPROVE) == 1


def test_at_the_msp_staff_for_some_customers_do_not_manage_what_all_of_them_use(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for_all = make_user(msp, "technician", all_organizations=True)
    make_user(msp, "technician", organizations=(acme,))
    assert how_many_may(msp, MANAGE_CONFIG) == 1
    people, number = who_may(msp, MANAGE_CONFIG, without=for_all.id, email="", most=5)
    assert (people, number) == ([], 0)
    assert how_many_may(msp, APPROVE) == 2


def test_they_are_named_the_longest_there_first_and_counted_beyond_the_most(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    first, second, third = (make_user(acme, "operator") for _ in range(3))
    make_user(globex, "operator")
    people, number = who_may(acme, APPROVE, without=None, email="", most=2)
    assert [person.id for person in people] == [first.id, second.id] and number == 3
    people, number = who_may(acme, APPROVE, without=first.id, email=second.email.upper(), most=2)
    assert [person.email for person in people] == [third.email] and number == 1


def test_where_no_member_may_the_staff_whose_scope_it_is_are_the_ones(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    here = make_user(msp, "technician", organizations=(acme, globex))
    gold = make_user(msp, "technician", tags=("gold",))
    everywhere = make_user(msp, "admin", all_organizations=True)
    make_user(msp, "auditor", all_organizations=True)

    def may(organization: OrganizationRecord) -> set[object]:
        people, number = who_may(organization, APPROVE, without=None, email="", most=50)
        assert number == len(people)
        return {person.id for person in people}

    assert may(acme) == {here.id, everywhere.id}
    assert may(globex) == {here.id, gold.id, everywhere.id}
    member = make_user(acme, "operator")
    assert may(acme) == {member.id}


def test_of_those_who_are_named_the_ones_who_get_in_are_found(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    member, viewer = make_user(acme, "requester"), make_user(acme, "viewer")
    staff = make_user(msp, "auditor", organizations=(acme,))
    others = [make_user(globex, "owner"), make_user(msp, "admin"), make_user(acme, "owner", is_active=False)]
    everybody = [member, viewer, staff, *others]
    assert set(among(acme, ids=[each.id for each in everybody])) == {member.id, viewer.id, staff.id}
    assert set(among(acme, emails=[viewer.email, others[0].email])) == {viewer.id}
    assert among(acme) == {}
