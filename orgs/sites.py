"""The two admin sites, and what their model admins have in common.

`staff_site` at `/admin/` shows shared tables to the MSP's people. `organization_site` at `/o/<org_id>/admin/` shows one
organization's tables; `orgs.middleware` has let the person in and set the schema. Other apps register with these two.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix, reverse
from unfold.admin import ModelAdmin
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from orgs import audit, directory
from orgs.errors import Denied
from orgs.models import User
from orgs.records import Access, Actor, OrganizationRecord
from orgs.resolver import resolve
from orgs.signing_in import ThrottledSignIn


def access_of(request: HttpRequest) -> Access | None:
    """Who looks at the page, and at which organization; None for those whom the resolver refuses."""
    try:
        return resolve(request)
    except Denied:
        return None


class StaffSignIn(ThrottledSignIn, AuthenticationForm):  # type: ignore[misc]  # unfold has no types
    """By email and password, for active superusers and members of the MSP."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "Please enter the correct email and password of a member of the staff.",
    }

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        if not user.is_active or not is_staff(user):
            raise ValidationError(self.error_messages["invalid_login"], "invalid_login")


def is_staff(user: AbstractBaseUser) -> bool:
    if not isinstance(user, User):
        return False
    return user.is_superuser or any(membership.is_msp for membership in directory.memberships_of(user.id))


def is_staff_member(actor: Actor) -> bool:
    return actor.kind == "user" and actor.staff


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    login_form = StaffSignIn
    index_title = "Overview"

    def has_permission(self, request: HttpRequest) -> bool:
        """A request that names an organization is none for these pages: what one may do there says nothing here."""
        access = access_of(request)
        return access is not None and is_staff_member(access.actor) and access.organization is None

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A person's own, which the audit log tells of."""
        actor = actor_of(request)
        with transaction.atomic():
            answer: HttpResponse = super().password_change(request, extra_context)
            if isinstance(answer, HttpResponseRedirect):
                facts = {"email": actor.email, "fields": ["password"]}
                audit.record(actor, "user.change", target=f"user:{actor.id}", metadata=facts)
        return answer


class OrganizationSite(StaffSite):
    settings_name = "UNFOLD_ORGANIZATION"
    index_template = "orgs/organization_index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        access = access_of(request)
        return access is not None and is_staff_member(access.actor) and access.organization is not None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        access = access_of(request)
        name = access.organization.name if access and access.organization else "Bifrost"
        return {**super().each_context(request), "site_header": name, "site_title": name}


staff_site = StaffSite(name="admin")
organization_site = OrganizationSite(name="organization_admin")


class PermissionAdmin(ModelAdmin):  # type: ignore[misc]
    """Asks the actor's named permissions in place of Django's. What is not named is forbidden; nothing is deleted."""

    view_permission = ""
    change_permission = ""
    actions_on_top = True

    def may(self, request: HttpRequest, permission: str) -> bool:
        access = access_of(request)
        return bool(permission) and access is not None and access.actor.can(permission)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, self.view_permission) or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, self.change_permission)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.change_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OrganizationModelAdmin(PermissionAdmin):
    """For models of an organization's schema. Django's own log of changes lies in the shared schema and would keep
    customers' words there, so nothing is written to it (pitfalls T13)."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        return None

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        return None


def organization_page(org_id: str, name: str, *arguments: object) -> str:
    """The address of an organization's page, by the name of its route, for links from the staff's pages."""
    prefix = get_script_prefix()
    address = reverse(name, urlconf=settings.ORGANIZATION_URLCONF, args=arguments)
    return f"{prefix}o/{org_id}/{address.removeprefix(prefix)}"


def organization_address(organization: OrganizationRecord, name: str, *arguments: object) -> str:
    """The same in full, for e-mails: at the organization's own host where it has one, otherwise below the platform's.
    Nothing where the settings do not say under which address the pages are reached."""
    base = urlsplit(str(settings.ALERTS["public_url"]))
    if not base.netloc:
        return ""
    host = directory.host_of(organization.id)
    if not host:
        return f"{base.scheme}://{base.netloc}{organization_page(organization.org_id, name, *arguments)}"
    port = f":{base.port}" if base.port else ""
    path = reverse(name, urlconf=settings.ORGANIZATION_URLCONF, args=arguments)
    return f"{base.scheme}://{host}{port}{path}"


def actor_of(request: HttpRequest) -> Actor:
    """The person in front of an admin page that let them in."""
    return resolve(request).actor
