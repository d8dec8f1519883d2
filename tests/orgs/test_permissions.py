from __future__ import annotations

import pytest

from orgs.models import Membership
from orgs.permissions import (
    KNOWN_PERMISSIONS,
    PLATFORM_PERMISSIONS,
    ROLE_PERMISSIONS,
    STAFF_PERMISSIONS,
    role_permissions,
)
from orgs.records import Actor
from tests.factories import make_actor


def with_role(role: str, *, msp: bool = False) -> Actor:
    return make_actor(*role_permissions(role, msp=msp))


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_owners_and_admins_may_everything_of_their_organization(role: str) -> None:
    actor = with_role(role)
    assert all(actor.can(permission) for permission in KNOWN_PERMISSIONS - PLATFORM_PERMISSIONS)
    assert actor.can("canDoWhatOnlyAWorkflowNames")


@pytest.mark.parametrize("role", sorted(ROLE_PERMISSIONS))
def test_nobody_of_a_customer_has_power_over_the_platform(role: str) -> None:
    assert not any(with_role(role).can(permission) for permission in PLATFORM_PERMISSIONS)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("operator", ["canExecuteWorkflows", "canViewExecutions", "canApprove"], ["canManageConfig", "canManageForms"]),
        ("requester", ["canSubmitForms", "canViewOwnExecutions"], ["canExecuteWorkflows", "canViewExecutions"]),
        ("viewer", ["canViewExecutions"], ["canExecuteWorkflows", "canSubmitForms", "canApprove"]),
    ],
)
def test_a_members_role_gives_what_its_name_says(role: str, may: list[str], may_not: list[str]) -> None:
    assert [permission for permission in may if not with_role(role).can(permission)] == []
    assert [permission for permission in may_not if with_role(role).can(permission)] == []


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("owner", ["canManageStaff", "canManageOrganizations"], []),
        ("admin", ["canManageOrganizations", "canManageMembers", "canViewTracebacks"], ["canManageStaff"]),
        ("technician", ["canExecuteWorkflows", "canManageSecrets"], ["canManageMembers", "canManageOrganizations"]),
        ("auditor", ["canViewExecutions", "canViewTracebacks"], ["canExecuteWorkflows", "canManageConfig"]),
    ],
)
def test_a_staff_role_gives_what_its_name_says(role: str, may: list[str], may_not: list[str]) -> None:
    actor = with_role(role, msp=True)
    assert [permission for permission in may if not actor.can(permission)] == []
    assert [permission for permission in may_not if actor.can(permission)] == []


def test_a_role_of_one_kind_gives_nothing_in_the_other() -> None:
    assert role_permissions("technician", msp=False) == frozenset()
    assert role_permissions("requester", msp=True) == frozenset()


def test_every_role_that_can_be_chosen_exists() -> None:
    assert set(Membership.Role.values) == set(ROLE_PERMISSIONS) | set(STAFF_PERMISSIONS)
