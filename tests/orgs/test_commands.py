from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from orgs import directory
from orgs.models import ApiToken, Membership, User
from orgs.permissions import ROLE_PERMISSIONS
from orgs.records import OrganizationRecord
from orgs.tokens import digest


def run(name: str, *arguments: str, stdin: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command(name, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# --- create_org ---------------------------------------------------------------------------------------------------


def test_create_org_makes_a_ready_organization(db: None) -> None:
    out, _ = run(
        *("create_org", "initech", "--name", "Initech", "--tenant-id", "t1", "--timezone", "Europe/Berlin"),
        *("--tag", "gold", "--tag", "eu", "--domain", "initech.example", "--domain", "i.example"),
    )
    made = directory.organization_by_host("i.example")
    assert made is not None
    assert out == "Created initech (Initech).\n"
    assert (made.tenant_id, made.timezone, made.tags, made.ready) == ("t1", "Europe/Berlin", ("gold", "eu"), True)


def test_create_org_uses_the_org_id_as_name(db: None) -> None:
    assert run("create_org", "initech")[0] == "Created initech (initech).\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["acme"], "There is an organization acme already."),
        (["Bad Name"], "org_id 'Bad Name': Lower-case"),
        (["initech", "--timezone", "Mars/Olympus"], "no such time zone"),
        (["msp2", "--msp"], "msp2"),
    ],
)
def test_create_org_says_why_not(msp: OrganizationRecord, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create_org", *arguments)


# --- create_token -------------------------------------------------------------------------------------------------


def test_create_token_prints_the_token_alone(acme: OrganizationRecord) -> None:
    out, err = run("create_token", "acme", "--name", "ticketing")
    token = ApiToken.objects.get(digest=digest(out.strip()))
    assert err == ""
    assert (token.organization_id, token.name, token.expires_at) == (acme.id, "ticketing", None)
    assert token.permissions == ["canExecuteWorkflows", "canViewExecutions"]


def test_create_token_takes_permissions_and_an_end(acme: OrganizationRecord) -> None:
    run(
        "create_token",
        "acme",
        "--permission",
        "canApprove",
        "--permission",
        "canManageConfig",
        "--expires-in-days",
        "7",
    )
    token = ApiToken.objects.get()
    assert token.permissions == ["canApprove", "canManageConfig"]
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_create_token_takes_a_role(acme: OrganizationRecord) -> None:
    run("create_token", "acme", "--role", "admin")
    assert set(ApiToken.objects.get().permissions) == ROLE_PERMISSIONS["admin"]


def test_create_token_for_the_msp(msp: OrganizationRecord) -> None:
    run("create_token", "--msp", "--role", "owner")
    assert ApiToken.objects.get().organization_id == msp.id


def test_create_token_notes_a_permission_that_only_a_workflow_can_ask_for(acme: OrganizationRecord) -> None:
    out, err = run("create_token", "acme", "--permission", "canExecuteWorkflow")
    assert out.startswith("bfr_")
    assert "canExecuteWorkflow is no permission of Bifrost's own" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope"], "There is no organization nope."),
        (["acme", "--role", "technician"], "There is no role technician in acme."),
        (["acme", "--permission", "everything"], "not the name of a permission"),
        (["acme", "--permission", "canManageStaff"], "Only the MSP's own"),
        ([], "org_id"),
        (["acme", "--msp"], "not allowed with"),
        (["acme", "--expires-in-days", "soon"], "expires-in-days"),
    ],
)
def test_create_token_says_why_not(acme: OrganizationRecord, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create_token", *arguments)
    assert not ApiToken.objects.exists()


# --- create_user --------------------------------------------------------------------------------------------------


def test_create_user_makes_a_member_who_can_sign_in(acme: OrganizationRecord, monkeypatch: Any) -> None:
    arguments = ["Ada@Example.com", "--name", "Ada", "--org", "acme", "--role", "operator"]
    out, _ = run("create_user", *arguments, stdin="a long pass phrase\n", monkeypatch=monkeypatch)
    user = authenticate(username="ADA@example.com", password="a long pass phrase")
    assert isinstance(user, User)
    assert out == "ada@example.com can sign in.\n"
    assert Membership.objects.get(user=user, organization_id=acme.id).role == "operator"


def test_create_user_adds_a_membership_to_somebody_who_exists(
    acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: Any
) -> None:
    run(
        "create_user",
        "a@b.example",
        "--org",
        "acme",
        "--role",
        "viewer",
        stdin="first secret\n",
        monkeypatch=monkeypatch,
    )
    run("create_user", "a@b.example", "--org", "globex", "--role", "owner", stdin="other\n", monkeypatch=monkeypatch)
    assert authenticate(username="a@b.example", password="first secret")
    assert Membership.objects.count() == 2


def test_create_user_makes_staff(msp: OrganizationRecord, monkeypatch: Any) -> None:
    arguments = ["t@b.example", "--org", "msp", "--role", "technician", "--all-organizations"]
    run("create_user", *arguments, stdin="first secret\n", monkeypatch=monkeypatch)
    assert Membership.objects.get().all_organizations


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (["a@b.example", "--org", "acme"], "x" * 12, "belong together"),
        (["a@b.example", "--org", "nope", "--role", "viewer"], "good secret", "no organization nope"),
        (["a@b.example", "--org", "acme", "--role", "technician"], "good secret", "none of a customer's people"),
        (["a@b.example", "--org", "acme", "--role", "king"], "good secret", "not a valid choice"),
        (["a@b.example", "--org", "acme", "--role", "owner", "--all-organizations"], "good secret", "have a scope"),
        (["nonsense"], "good secret", "valid email"),
        (["a@b.example"], "short", "too short"),
        (["a@b.example"], "", "too short"),
    ],
)
def test_create_user_says_why_not(
    acme: OrganizationRecord, monkeypatch: Any, arguments: list[str], stdin: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create_user", *arguments, stdin=stdin, monkeypatch=monkeypatch)
    assert not User.objects.exists()
