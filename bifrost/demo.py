"""What bin/up makes to try Bifrost with: organizations, people with passwords, tokens, forms. Not for production."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bifrost.demo_forms import prepare_forms
from orgs import directory
from orgs.errors import OrganizationExists
from orgs.models import ApiToken, Membership, User
from orgs.permissions import role_permissions
from orgs.provisioning import create_organization
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from orgs.tokens import digest, issue_token

TOKEN_NAME = "bin/up"
ADMINISTRATOR = "admin@msp.example"
ROLES = ("owner", "admin", "operator", "requester", "viewer")


@dataclass(frozen=True)
class _Organization:
    org_id: str
    name: str
    msp: bool = False


MSP = _Organization("msp", "The MSP", msp=True)
CUSTOMERS = (_Organization("test-org-active", "Test Organization"), _Organization("acme", "Acme"))


def prepare_demo(known: Mapping[str, Any]) -> dict[str, Any]:
    """Makes what is missing of the demo and returns its credentials: those that are known, where they still count.

    A token that was revoked, and a person whose password is not known, get a new one.
    """
    msp = _organization(MSP)
    admin = _person(ADMINISTRATOR, "Administrator", msp, "owner", known.get("admin"))
    organizations: dict[str, Any] = {}
    for wanted in CUSTOMERS:
        before = known.get("organizations", {}).get(wanted.org_id, {})
        organizations[wanted.org_id] = _customer(_organization(wanted), before)
    prepare_forms(msp)
    return {
        "mspToken": _token(msp, "owner", known.get("mspToken", "")),
        "admin": {"email": admin["email"], "password": admin["password"]},
        "organizations": organizations,
    }


def _organization(wanted: _Organization) -> OrganizationRecord:
    found = None if wanted.msp else directory.organization_by_org_id(wanted.org_id)
    found = directory.msp() if wanted.msp else found
    if found and found.ready:
        return found
    try:
        return create_organization(wanted.org_id, wanted.name, msp=wanted.msp, domains=[f"{wanted.org_id}.localhost"])
    except OrganizationExists:
        # It is whole, and behind its migrations for a reason that stands on its row.
        if found is None:
            raise
        return found


def _customer(organization: OrganizationRecord, known: Mapping[str, Any]) -> dict[str, Any]:
    before = {user["email"]: user for user in known.get("users", [])}
    emails = {role: f"{role}@{organization.org_id}.example" for role in ROLES}
    people = [
        _person(email, f"{organization.name} {role}", organization, role, before.get(email))
        for role, email in emails.items()
    ]
    return {"token": _token(organization, "admin", known.get("token", "")), "users": people}


def _person(
    email: str, name: str, organization: OrganizationRecord, role: str, known: Mapping[str, Any] | None
) -> dict[str, str]:
    password = str((known or {}).get("password", ""))
    with shared_context(), transaction.atomic():
        user = User.objects.filter(email=email).first()
        if user is None or not password:
            password = password or secrets.token_urlsafe(9)
            user = user or User(email=email, name=name, is_superuser=email == ADMINISTRATOR)
            user.set_password(password)
            user.save()
        if not Membership.objects.filter(user=user, organization_id=organization.id).exists():
            Membership.objects.create(
                user=user, organization_id=organization.id, role=role, all_organizations=organization.is_msp
            )
    directory.forget()
    return {"email": email, "password": password, "role": role}


def _token(organization: OrganizationRecord, role: str, known: str) -> str:
    """The known token where it still opens this organization, or a new one that may do what the role may."""
    with shared_context():
        good = ApiToken.objects.filter(
            digest=digest(known), organization_id=organization.id, revoked_at=None, expires_at=None
        )
        if known and good.exists():
            return known
    permissions = role_permissions(role, msp=organization.is_msp)
    return issue_token(organization, TOKEN_NAME, permissions, created_by="bin/up").plain
