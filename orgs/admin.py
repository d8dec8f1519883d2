"""The staff's pages about organizations, people and tokens."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from orgs import audit_admin as _audit_admin  # noqa: F401  registers its pages
from orgs import directory
from orgs.audited_admin import AuditedAdmin
from orgs.errors import InvalidOrganization, OrganizationExists
from orgs.forms import NewOrganizationForm, NewTokenForm, UserForm
from orgs.models import ApiToken, Membership, Organization, User
from orgs.permissions import MANAGE_MEMBERS, MANAGE_ORGANIZATIONS, MANAGE_TOKENS, VIEW_ORGANIZATIONS
from orgs.provisioning import create_organization, renew_organization, set_status
from orgs.records import OrganizationRecord
from orgs.sites import PermissionAdmin, actor_of, organization_page, staff_site
from orgs.staff import StaffScope, has_all_organizations
from orgs.tokens import issue_token, revoke_token

STATUS_LABELS = {
    Organization.Status.ACTIVE: "success",
    Organization.Status.SUSPENDED: "warning",
    "revoked": "danger",
    "expired": "warning",
}
STAFF_SCOPE = "For the MSP's staff alone: the customers that the person works for, by name, by tag, or all."


def scope_of(request: HttpRequest) -> StaffScope:
    assert isinstance(request.user, User)
    return StaffScope.of(request.user, actor_of(request))


class StaffModelAdmin(AuditedAdmin, PermissionAdmin):
    """Changes are seen at once by this process's resolver."""

    formfield_overrides: ClassVar = {
        ArrayField: {"widget": UnfoldAdminTextInputWidget, "help_text": "Separated by commas."}
    }

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        directory.forget()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        directory.forget()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "organization":
            kwargs["queryset"] = scope_of(request).manageable()
        if db_field.name == "user":
            kwargs["queryset"] = scope_of(request).users()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Organization, site=staff_site)
class OrganizationAdmin(StaffModelAdmin):
    """Organizations are made together with their schema, suspended, and never deleted by a page."""

    view_permission = VIEW_ORGANIZATIONS
    change_permission = MANAGE_ORGANIZATIONS
    list_display: ClassVar = ["name", "org_id", "shown_status", "ready", "shown_tags", "created_at", "pages"]
    list_filter: ClassVar = ["status", "ready"]
    search_fields: ClassVar = ["name", "org_id"]
    fields: ClassVar = [
        "org_id",
        "name",
        "status",
        "tenant_id",
        "timezone",
        "tags",
        "retention_days",
        "ready",
        "migration_error",
    ]
    readonly_fields: ClassVar = ["org_id", "status", "ready", "migration_error"]
    actions: ClassVar = ["suspend", "activate"]

    def audited_organization(self, obj: Any) -> UUID:
        return obj.id  # type: ignore[no-any-return]

    def audited_id(self, obj: Any) -> str:
        return str(obj.org_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        return scope_of(request).organizations()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewOrganizationForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fields) if obj else ["org_id", "name", "tenant_id", "timezone", "tags", "domains"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        # For whichever tenant it names, the MSP's own sign-in gets tokens.
        return [*self.readonly_fields, *([] if has_all_organizations(request.user) else ["tenant_id"])]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and has_all_organizations(request.user)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            answer: HttpResponse = super().add_view(request, form_url, extra_context)
            return answer
        except (OrganizationExists, InvalidOrganization) as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            if "tags" in form.changed_data:
                renew_organization(directory.record_of(obj))
            return
        values = {name: form.cleaned_data[name] for name in ("name", "tenant_id", "timezone", "tags", "domains")}
        made = create_organization(form.cleaned_data["org_id"], **values, actor=actor_of(request))
        obj.id, obj.schema_name, obj._state.adding = made.id, made.schema_name, False

    @display(description="Status", ordering="status", label=STATUS_LABELS)  # type: ignore[untyped-decorator]
    def shown_status(self, organization: Organization) -> str:
        return organization.status

    @admin.display(description="Tags", ordering="tags")
    def shown_tags(self, organization: Organization) -> str:
        return ", ".join(organization.tags)

    @admin.display(description="Pages")
    def pages(self, organization: Organization) -> str:
        address = organization_page(organization.org_id, "admin:index")
        return format_html('<a class="bifrost-link" href="{}">Open</a>', address)

    @admin.action(description="Suspend: pages and API answer 403", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        self._set_status(request, queryset, Organization.Status.SUSPENDED)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        self._set_status(request, queryset, Organization.Status.ACTIVE)

    def _set_status(self, request: HttpRequest, queryset: QuerySet[Organization], status: str) -> None:
        changed = set_status(queryset.values_list("id", flat=True), status, actor_of(request))
        self.message_user(request, f"{changed} now {status}.")


@admin.register(User, site=staff_site)
class UserAdmin(StaffModelAdmin):
    view_permission = MANAGE_MEMBERS
    change_permission = MANAGE_MEMBERS
    form = UserForm
    list_display: ClassVar = ["email", "name", "roles", "is_active", "last_login"]
    list_filter: ClassVar = ["is_active"]
    search_fields: ClassVar = ["email", "name"]

    def audited_facts(self, obj: Any) -> dict[str, Any]:
        return {"email": obj.email}

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return scope_of(request).users().prefetch_related("memberships__organization")

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        named = [f"{membership.role} of {membership.organization.name}" for membership in user.memberships.all()]
        return ", ".join([*(["superuser"] if user.is_superuser else []), *named])


@admin.register(Membership, site=staff_site)
class MembershipAdmin(StaffModelAdmin):
    view_permission = MANAGE_MEMBERS
    change_permission = MANAGE_MEMBERS
    list_display: ClassVar = ["user", "organization", "role", "scope"]
    list_select_related: ClassVar = ["user", "organization"]
    fieldsets: ClassVar = [
        (None, {"fields": ["user", "organization", "role"]}),
        ("Scope", {"description": STAFF_SCOPE, "fields": ["all_organizations", "organizations", "tags"]}),
    ]
    list_filter: ClassVar = ["role"]
    search_fields: ClassVar = ["user__email", "organization__name"]

    def audited_facts(self, obj: Any) -> dict[str, Any]:
        return {"user": obj.user.email, "role": obj.role}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return scope_of(request).memberships().prefetch_related("organizations")

    @admin.display(description="Scope")
    def scope(self, membership: Membership) -> str:
        """Which customers a member of the staff has; nothing for a customer's own people."""
        if membership.all_organizations:
            return "all organizations"
        return ", ".join([*(chosen.name for chosen in membership.organizations.all()), *membership.tags])

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_permission)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        directory.forget()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        directory.forget()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "organizations":
            kwargs["queryset"] = scope_of(request).organizations().filter(is_msp=False)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(ApiToken, site=staff_site)
class ApiTokenAdmin(StaffModelAdmin):
    """A token is shown in the answer to its making and never again; it is not changed, only revoked."""

    view_permission = MANAGE_TOKENS
    change_permission = MANAGE_TOKENS
    form = NewTokenForm
    list_display: ClassVar = ["name", "organization", "hint", "state", "created_at", "expires_at", "last_used_at"]
    search_fields: ClassVar = ["name", "organization__name"]
    shown: ClassVar = ["organization", "name", "hint", "permissions", "created_by", "created_at", "expires_at"]
    actions: ClassVar = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return scope_of(request).tokens()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj:
            return [*self.shown, "last_used_at", "revoked_at"]
        return ["organization", "name", "permissions", "other_permissions", "expires_at"]

    @display(description="State", label=STATUS_LABELS)  # type: ignore[untyped-decorator]
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at and token.expires_at <= timezone.now() else "active"

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With one button: whichever is pressed, the next page shows the token."""
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.view_permission)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        organization: OrganizationRecord = directory.record_of(obj.organization)
        values = form.cleaned_data
        issued = issue_token(
            organization,
            values["name"],
            values["permissions"],
            expires_at=values["expires_at"],
            created_by=actor_of(request).email,
            actor=actor_of(request),
        )
        obj.id, obj._state.adding, obj.plain = issued.id, False, issued.plain

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": "The new token", "token": obj}
        return TemplateResponse(request, "orgs/token_issued.html", context)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        ended = sum(revoke_token(token.id, actor_of(request)) for token in queryset)
        self.message_user(request, f"{ended} revoked.")
