"""What is done to organizations, people and tokens leaves one event each, by any door; what is refused, none."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from orgs import audit, directory
from orgs.models import ApiToken, AuditEvent, Membership, Organization, User
from orgs.provisioning import create_organization, drop_organization, set_status
from orgs.records import OrganizationRecord
from orgs.tokens import issue_token, revoke_token
from tests.audit_log import events, log
from tests.factories import PASSWORD, make_actor, make_user
from tests.orgs.test_admin import browser

ADA = make_actor()


@pytest.fixture
def owner(msp: OrganizationRecord) -> Client:
    return browser(make_user(msp, "owner", email="olga@msp.example", name="Olga", all_organizations=True))


# --- Organizations ------------------------------------------------------------------------------------------------


def created() -> list[tuple[str, str]]:
    """Which organizations were made since, and by whom."""
    found = AuditEvent.objects.filter(operation="organization.create").order_by("id")
    known = ("acme", "globex", "msp")
    return [(event.object_id, event.actor_name) for event in found if event.object_id not in known]


def test_making_an_organization_by_page_and_by_command(owner: Client, settings: Settings) -> None:
    settings.PROVISIONING_STEPS = []
    owner.post("/admin/orgs/organization/add/", {"org_id": "initech", "name": "Initech", "timezone": "UTC"})
    call_command("create_org", "hooli", stdout=io.StringIO())
    assert created() == [("initech", "Olga"), ("hooli", "Command line")]
    made = Organization.objects.get(org_id="initech")
    assert AuditEvent.objects.get(object_id="initech").organization == made.id


def test_an_organization_that_cannot_be_made_leaves_nothing(
    acme: OrganizationRecord, owner: Client, settings: Settings
) -> None:
    owner.post("/admin/orgs/organization/add/", {"org_id": "acme", "name": "Again", "timezone": "UTC"})
    with pytest.raises(CommandError):
        call_command("create_org", "acme")
    settings.PROVISIONING_STEPS = ["tests.orgs.test_audit_doors.fails"]
    with pytest.raises(ZeroDivisionError):
        create_organization("initech", "Initech")
    assert created() == [] and log() == []


def fails(organization: OrganizationRecord) -> None:
    raise ZeroDivisionError


def test_changing_suspending_and_opening_an_organization(acme: OrganizationRecord, owner: Client) -> None:
    values = {"name": "Acme", "tenant_id": "", "timezone": "Europe/Berlin", "tags": "", "retention_days": ""}
    address = f"/admin/orgs/organization/{acme.id}/change/"
    assert owner.post(address, values).status_code == 302
    owner.post(address, values)  # changes nothing
    for action in ("suspend", "suspend", "activate"):
        owner.post("/admin/orgs/organization/", {"action": action, "_selected_action": [str(acme.id)]})

    assert log() == [
        ("organization.change", "organization:acme", "Olga"),
        ("organization.suspend", "organization:acme", "Olga"),
        ("organization.activate", "organization:acme", "Olga"),
    ]
    assert {event.organization for event in events()} == {acme.id}
    assert set(events("organization.change")[0].metadata["fields"]) == {"timezone", "tenant_id"}


def test_several_are_suspended_by_one_act_with_an_event_each(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    assert set_status([acme.id, globex.id], "suspended", ADA) == 2
    assert set_status([acme.id, globex.id], "suspended", ADA) == 0
    assert {(event.organization, event.operation) for event in events()} == {
        (acme.id, "organization.suspend"),
        (globex.id, "organization.suspend"),
    }
    assert len(events()) == 2


def test_who_may_not_change_organizations_leaves_nothing(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    auditor = browser(make_user(msp, "auditor", all_organizations=True))
    auditor.post("/admin/orgs/organization/", {"action": "suspend", "_selected_action": [str(acme.id)]})
    auditor.post(f"/admin/orgs/organization/{acme.id}/change/", {"name": "Mine", "timezone": "UTC"})
    assert log() == []


@pytest.mark.django_db(transaction=True)
def test_a_dropped_organization_takes_its_log_along_and_the_platforms_log_keeps_that_it_was(
    acme: OrganizationRecord, settings: Settings
) -> None:
    settings.PROVISIONING_STEPS = settings.DROPPING_STEPS = []
    made = create_organization("initech", "Initech", actor=ADA)
    issue_token(made, "ci", ["canExecuteWorkflows"], actor=ADA)
    issue_token(acme, "ci", ["canExecuteWorkflows"], actor=ADA)

    drop_organization(made, ADA)
    drop_organization(made, ADA)

    assert log("organization.drop") == [("organization.drop", "organization:initech", "Ada")]
    [dropped] = events("organization.drop")
    assert dropped.organization is None and dropped.metadata == {"id": str(made.id), "name": "Initech"}
    assert not AuditEvent.objects.filter(organization=made.id).exists()
    assert AuditEvent.objects.filter(organization=acme.id, operation="token.create").exists()


# --- People -------------------------------------------------------------------------------------------------------


def test_people_and_memberships_by_page(acme: OrganizationRecord, owner: Client) -> None:
    person = {"email": "new@acme.example", "name": "New", "is_active": "on", "new_password": "a long pass phrase"}
    owner.post("/admin/orgs/user/add/", person)
    user = User.objects.get(email="new@acme.example")
    owner.post(f"/admin/orgs/user/{user.id}/change/", {**person, "new_password": "another pass phrase"})
    member = {"user": str(user.id), "organization": str(acme.id), "role": "operator"}
    owner.post("/admin/orgs/membership/add/", member)
    membership = Membership.objects.get(user=user)
    owner.post(f"/admin/orgs/membership/{membership.id}/change/", {**member, "role": "viewer"})
    owner.post(f"/admin/orgs/membership/{membership.id}/delete/", {"post": "yes"})

    of_user, of_membership = f"user:{user.id}", f"membership:{membership.id}"
    assert log() == [
        ("user.create", of_user, "Olga"),
        ("user.change", of_user, "Olga"),
        ("membership.create", of_membership, "Olga"),
        ("membership.change", of_membership, "Olga"),
        ("membership.delete", of_membership, "Olga"),
    ]
    changes = events("user.change", "membership.change")
    assert changes[0].metadata == {"email": "new@acme.example", "fields": ["new_password"]}
    assert changes[1].metadata == {"user": "new@acme.example", "role": "viewer", "fields": ["role"]}
    assert "pass phrase" not in str([event.metadata for event in events()])
    assert [event.organization for event in events()] == [None, None, acme.id, acme.id, acme.id]


@pytest.mark.parametrize("site", ["/admin/", "/o/acme/admin/"])
def test_a_password_that_a_person_changes(acme: OrganizationRecord, owner: Client, site: str) -> None:
    new = "another pass phrase"
    for old in ("wrong", PASSWORD):
        values = {"old_password": old, "new_password1": new, "new_password2": new}
        owner.post(f"{site}password_change/", values)
    user = User.objects.get(email="olga@msp.example")
    assert user.check_password(new)
    assert log() == [("user.change", f"user:{user.id}", "Olga")]
    assert events()[0].metadata == {"email": user.email, "fields": ["password"]}


def test_memberships_that_are_deleted_together_leave_an_event_each(acme: OrganizationRecord, owner: Client) -> None:
    both = [str(make_user(acme).memberships.get().id) for _ in range(2)]
    owner.post("/admin/orgs/membership/", {"action": "delete_selected", "_selected_action": both, "post": "yes"})
    assert not Membership.objects.filter(id__in=both).exists()
    assert sorted(object_id for _, object_id, _ in log("membership.delete")) == sorted(
        f"membership:{id_}" for id_ in both
    )


def test_a_person_that_cannot_be_leaves_nothing(acme: OrganizationRecord, owner: Client) -> None:
    owner.post("/admin/orgs/user/add/", {"email": "nonsense", "is_active": "on"})
    values = {"user": str(make_user().id), "organization": str(acme.id), "role": "technician"}
    owner.post("/admin/orgs/membership/add/", values)
    assert log() == []


def test_people_and_memberships_by_command(acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*arguments: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("a long pass phrase\n"))
        call_command("create_user", "ann@acme.example", *arguments, stdout=io.StringIO())

    create("--org", "acme", "--role", "operator")
    create("--org", "acme", "--role", "viewer")
    with pytest.raises(CommandError):
        create("--org", "acme", "--role", "technician")

    assert [(operation, name) for operation, _, name in log()] == [
        ("user.create", "Command line"),
        ("membership.create", "Command line"),
        ("membership.change", "Command line"),
    ]
    assert events()[-1].metadata == {"user": "ann@acme.example", "role": "viewer"}


# --- Tokens -------------------------------------------------------------------------------------------------------


def test_tokens_by_page(acme: OrganizationRecord, owner: Client) -> None:
    values = {"organization": str(acme.id), "name": "ci", "permissions": ["canExecuteWorkflows"]}
    owner.post("/admin/orgs/apitoken/add/", {"organization": str(acme.id), "name": "none"})
    owner.post("/admin/orgs/apitoken/add/", values)
    token = ApiToken.objects.get(name="ci")
    for _ in range(2):
        owner.post("/admin/orgs/apitoken/", {"action": "revoke", "_selected_action": [str(token.id)]})

    assert log() == [("token.create", f"token:{token.id}", "Olga"), ("token.revoke", f"token:{token.id}", "Olga")]
    assert events()[0].metadata == {"name": "ci", "permissions": ["canExecuteWorkflows"], "expiresAt": None}
    assert {event.organization for event in events()} == {acme.id}


def test_a_token_by_command_and_its_text_nowhere(acme: OrganizationRecord) -> None:
    output = io.StringIO()
    call_command("create_token", "acme", "--name", "from the command line", stdout=output)
    [event] = AuditEvent.objects.filter(metadata__name="from the command line")
    assert (event.operation, event.actor_kind, event.organization) == ("token.create", "command", acme.id)
    assert output.getvalue().strip() not in str(event.metadata)


def test_a_token_that_cannot_be_leaves_nothing(acme: OrganizationRecord) -> None:
    with pytest.raises(ValueError):
        issue_token(acme, "ci", ["canManageStaff"], actor=ADA)
    assert revoke_token(acme.id, ADA) is False
    assert log() == []


@pytest.mark.django_db(transaction=True)
def test_where_the_log_cannot_be_written_nothing_is_changed(
    acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audit, "record_all", refuse)
    with pytest.raises(ZeroDivisionError):
        issue_token(acme, "ci", ["canExecuteWorkflows"])
    with pytest.raises(ZeroDivisionError):
        set_status([acme.id], "suspended")
    assert not ApiToken.objects.filter(name="ci").exists()
    directory.forget()
    found = directory.organization_by_id(acme.id)
    assert found is not None and found.status == "active"
