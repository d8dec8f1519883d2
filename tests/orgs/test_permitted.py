"""How many of an organization's people may do something."""

from __future__ import annotations

from orgs.permissions import APPROVE, VIEW_ORGANIZATIONS
from orgs.permitted import how_many_may
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
