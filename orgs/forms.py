"""Forms of the staff's pages."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth import password_validation
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
)

from orgs.models import ApiToken, Domain, Organization, User
from orgs.permissions import ORGANIZATION_PERMISSIONS, PLATFORM_PERMISSIONS
from orgs.tokens import check_permissions

PASSWORD_HELP = "Leave it empty to keep the present one. A new person without one cannot sign in by password."


class NewOrganizationForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """What `provisioning.create_organization` takes."""

    tags = SimpleArrayField(
        forms.CharField(max_length=50),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Separated by commas.",
    )
    domains = SimpleArrayField(
        forms.CharField(max_length=253),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Host names of its own, separated by commas.",
    )

    class Meta:
        model = Organization
        fields: ClassVar = ["org_id", "name", "tenant_id", "timezone", "tags"]

    def clean_domains(self) -> list[str]:
        given = [str(domain).strip().lower() for domain in self.cleaned_data["domains"] or []]
        if taken := list(Domain.objects.filter(domain__in=given).values_list("domain", flat=True)):
            raise ValidationError(f"Taken: {', '.join(taken)}.")
        return given


class UserForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A person, with a password where one is typed; an empty one leaves the old one."""

    new_password = forms.CharField(
        required=False, strip=False, widget=UnfoldAdminPasswordWidget, help_text=PASSWORD_HELP
    )

    class Meta:
        model = User
        fields: ClassVar = ["email", "name", "is_active"]

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is a person with this address already.")
        return email

    def clean_new_password(self) -> str:
        password = str(self.cleaned_data["new_password"])
        if password:
            password_validation.validate_password(password, self.instance)
        return password

    def save(self, commit: bool = True) -> User:
        if password := self.cleaned_data["new_password"]:
            self.instance.set_password(password)
        elif self.instance._state.adding:
            self.instance.set_unusable_password()
        saved: User = super().save(commit)
        return saved


class NewTokenForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    permissions = forms.MultipleChoiceField(
        choices=[
            ("In the organization", [(name, name) for name in sorted(ORGANIZATION_PERMISSIONS)]),
            ("Over the platform, for tokens of the MSP alone", [(name, name) for name in sorted(PLATFORM_PERMISSIONS)]),
        ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    other_permissions = SimpleArrayField(
        forms.CharField(max_length=50),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Permissions that workflows ask for by names of their own, separated by commas.",
    )

    class Meta:
        model = ApiToken
        fields: ClassVar = ["organization", "name", "expires_at"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        organization = values.get("organization")
        if organization and "permissions" in values:
            asked = [*values["permissions"], *(values.get("other_permissions") or [])]
            try:
                values["permissions"] = check_permissions(asked, msp=organization.is_msp)
            except ValueError as error:
                raise ValidationError(str(error)) from None
        return values
