from __future__ import annotations

import hashlib
from uuid import uuid4

import pytest

from orgs.models import ApiToken
from orgs.permissions import ROLE_PERMISSIONS
from orgs.records import OrganizationRecord
from orgs.tokens import issue_token, revoke_token


def test_a_token_is_known_once_and_kept_as_a_hash(acme: OrganizationRecord) -> None:
    issued = issue_token(acme, "ticketing", ["canExecuteWorkflows"], created_by="ada@example.com")
    row = ApiToken.objects.get(id=issued.id)
    assert issued.plain.startswith("bfr_")
    assert len(issued.plain) == 47
    assert row.digest == hashlib.sha256(issued.plain.encode()).hexdigest()
    assert row.hint == issued.plain[:10]
    assert issued.plain not in str(row.__dict__)
    assert (row.organization_id, row.name, row.created_by) == (acme.id, "ticketing", "ada@example.com")


def test_no_two_tokens_are_alike(acme: OrganizationRecord) -> None:
    assert len({issue_token(acme, "t", ["canApprove"]).plain for _ in range(20)}) == 20


def test_permissions_are_kept_once_and_in_order(acme: OrganizationRecord) -> None:
    issued = issue_token(acme, "t", ["canViewExecutions", "canApprove", "canViewExecutions"])
    assert ApiToken.objects.get(id=issued.id).permissions == ["canApprove", "canViewExecutions"]


@pytest.mark.parametrize("permission", ["", "execute", "canexecute", "can", "canX; DROP TABLE", "can" + "X" * 80])
def test_what_is_no_permission_is_refused_by_name(acme: OrganizationRecord, permission: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a permission"):
        issue_token(acme, "t", [permission])
    assert not ApiToken.objects.exists()


def test_a_token_without_permissions_is_refused(acme: OrganizationRecord) -> None:
    with pytest.raises(ValueError, match="at least one"):
        issue_token(acme, "t", [])


def test_platform_permissions_are_for_the_msps_tokens(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    issue_token(msp, "t", ["canManageOrganizations"])
    with pytest.raises(ValueError, match="Only the MSP's own"):
        issue_token(acme, "t", ["canManageOrganizations"])


def test_a_token_may_have_what_a_role_has_and_what_only_a_workflow_names(acme: OrganizationRecord) -> None:
    issue_token(acme, "t", ROLE_PERMISSIONS["admin"])
    issue_token(acme, "t", ["canResetPasswords"])
    assert ApiToken.objects.count() == 2


def test_a_token_is_revoked_once(acme: OrganizationRecord) -> None:
    issued = issue_token(acme, "t", ["canApprove"])
    assert revoke_token(issued.id)
    first = ApiToken.objects.get().revoked_at
    assert not revoke_token(issued.id)
    assert ApiToken.objects.get().revoked_at == first
    assert not revoke_token(uuid4())
