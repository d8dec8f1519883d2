"""The forms of the settings page, one for each card."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.utils.translation import gettext_lazy as _

from forms_app.models import Form
from forms_app.public import MOST_PER_HOUR
from orgs.models import Membership

#: The roles of an organization's own people, from the one that may most to the one that may least.
ROLES = ("owner", "admin", "operator", "requester", "viewer")


class AboutForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    class Meta:
        model = Form
        fields: ClassVar = ["name", "category", "description"]
        widgets: ClassVar = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar = {
            "category": _("The portal shows forms by category."),
            "description": _("A sentence about what it is for."),
        }


class AccessForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        required=False,
        choices=[(role, Membership.Role(role).label) for role in ROLES],
        widget=forms.CheckboxSelectMultiple,
    )
    groups = forms.MultipleChoiceField(label=_("Groups"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, groups: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if groups:
            self.fields["groups"].choices = groups  # type: ignore[attr-defined]
        else:
            del self.fields["groups"]

    def values(self) -> dict[str, Any]:
        given = {"roles": self.cleaned_data["roles"]}
        if "groups" in self.cleaned_data:
            given["groups"] = [UUID(each) for each in self.cleaned_data["groups"]]
        return given


class SharingForm(forms.Form):
    shared_all = forms.BooleanField(label=_("Every customer, also future ones"), required=False)
    shared_tags = SimpleArrayField(
        forms.CharField(max_length=50),
        label=_("Customers with one of these tags"),
        required=False,
        help_text=_("Separated by commas; also future ones."),
    )
    shared_organizations = forms.MultipleChoiceField(label=_("These customers"), required=False)

    def __init__(self, customers: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shared_organizations"].choices = customers  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        chosen = [UUID(each) for each in self.cleaned_data["shared_organizations"]]
        return {**self.cleaned_data, "shared_organizations": chosen}


class LinkForm(forms.Form):
    until = forms.DateTimeField(
        label=_("Open until"),
        widget=forms.TextInput(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help_text=_("In UTC."),
    )
    per_hour = forms.IntegerField(
        label=_("Submissions an hour"),
        min_value=1,
        max_value=MOST_PER_HOUR,
        initial=20,
    )

    @property
    def until_given(self) -> datetime:
        found: datetime = self.cleaned_data["until"]
        return found
