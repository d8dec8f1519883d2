"""How a person writes a schedule and an audience."""

from __future__ import annotations

import json
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bifrost.sdk.errors import DeclarationError, ValidationError, WorkflowException
from orgs.models import Organization
from orgs.records import Actor, OrganizationRecord
from workflows_app.dispatch.models import Schedule, ScheduleAudience
from workflows_app.errors import Refused
from workflows_app.parsers import parse_object
from workflows_app.schedules.enabling import scheduled
from workflows_app.schedules.settling import FIELDS, Wish, check, check_cron, check_zone

CRON_HELP = "Five fields, such as 0 9 * * 1-5, or @daily. Empty: as the workflow says."


def workflow_choices() -> list[tuple[str, str]]:
    """The workflows that run on a schedule, each with its own cron."""
    return [(name, f"{name} ({loaded.spec.schedule})") for name, loaded in sorted(scheduled().items())]


class _TimesForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """What schedules and audiences have in common: a workflow and a cron."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "workflow" in self.fields:
            self.fields["workflow"] = forms.ChoiceField(choices=workflow_choices(), widget=UnfoldAdminSelectWidget)
        if "cron" in self.fields:
            self.fields["cron"].help_text = CRON_HELP


class ScheduleForm(_TimesForm):
    """Asks `settling.check` what may be set. The page says for which organization, who asks, and what is shown."""

    organization: ClassVar[OrganizationRecord]
    actor: ClassVar[Actor]
    shown: ClassVar[dict[str, Any]] = {}

    parameters = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text="A JSON object. A secret is shown as REDACTED; left so, it is kept.",
    )

    class Meta:
        model = Schedule
        fields: ClassVar = ["workflow", "enabled", "cron", "timezone", "overlap", "missed", "paused_until"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "paused_until" in self.fields:
            self.fields["paused_until"].help_text = "In UTC. Times until then are skipped, each with its reason."
        if "parameters" in self.fields:
            self.fields["parameters"].initial = json.dumps(self.shown, indent=2, ensure_ascii=False)

    def clean_parameters(self) -> dict[str, Any]:
        try:
            return parse_object(str(self.cleaned_data["parameters"] or "{}").encode())
        except ValidationError as error:
            raise forms.ValidationError(error.message.replace("The body", "This")) from None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        name = values.get("workflow") or self.instance.workflow
        if self.errors or not name:
            return values
        try:
            check(self.organization, name, self.wish(), self.actor)
        except ValidationError as invalid:
            for error in invalid.details["errors"]:
                self._add(str(error["field"]), str(error["message"]))
        except (Refused, WorkflowException) as refused:
            self.add_error(None, refused.message)
        return values

    def wish(self) -> Wish:
        """What the form sets. Parameters of a schedule that is off may be incomplete."""
        wish = cast(Wish, {name: self.cleaned_data[name] for name in FIELDS if name in self.cleaned_data})
        wish["cron"], wish["timezone"] = wish["cron"].strip(), wish["timezone"].strip()
        if wish["parameters"] == self.shown and not wish["enabled"]:
            del wish["parameters"]
        return wish

    def _add(self, field: str, message: str) -> None:
        name, _, parameter = field.partition(".")
        place = name if name in self.fields else None
        self.add_error(place, f'"{parameter}": {message}' if parameter else message)


class AudienceForm(_TimesForm):
    tags = SimpleArrayField(
        forms.CharField(max_length=50),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Separated by commas: every organization with one of them, also future ones.",
    )
    organizations = forms.MultipleChoiceField(required=False, widget=UnfoldAdminSelectMultipleWidget)

    class Meta:
        model = ScheduleAudience
        fields: ClassVar = ["workflow", "all_organizations", "tags", "cron", "timezone", "overlap", "missed"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Organization.objects.order_by("name").values_list("id", "name")
        self.fields["organizations"].choices = [(str(id_), name) for id_, name in names]  # type: ignore[attr-defined]
        self.initial["organizations"] = [str(chosen) for chosen in self.instance.organizations]

    def clean_cron(self) -> str:
        text = str(self.cleaned_data["cron"]).strip()
        try:
            check_cron(text)
        except DeclarationError as error:
            raise forms.ValidationError(str(error)) from None
        return text

    def clean_timezone(self) -> str:
        name = str(self.cleaned_data["timezone"]).strip()
        check_zone(name)
        return name

    def clean_organizations(self) -> list[UUID]:
        return [UUID(chosen) for chosen in self.cleaned_data["organizations"]]

    def save(self, commit: bool = True) -> ScheduleAudience:
        self.instance.organizations = self.cleaned_data["organizations"]
        saved: ScheduleAudience = super().save(commit)
        return saved
