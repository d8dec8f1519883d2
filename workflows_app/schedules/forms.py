"""How a person writes a schedule and an audience."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.forms.utils import ErrorDict
from django.http import QueryDict
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bifrost.sdk.errors import DeclarationError, ValidationError, WorkflowException
from orgs.models import Organization
from orgs.records import Actor, OrganizationRecord
from workflows_app.dispatch.models import Schedule, ScheduleAudience
from workflows_app.errors import Refused
from workflows_app.inputs.amending import Changed, problems_of
from workflows_app.inputs.rendering import Asked
from workflows_app.providers.checking import check_parameters
from workflows_app.schedules.enabling import scheduled
from workflows_app.schedules.given import Given
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


class WorkflowForm(forms.Form):
    """The first step of adding a schedule: which workflow."""

    organization: OrganizationRecord
    actor: Actor

    workflow = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        error_messages={
            "required": "Choose a workflow.",
            "invalid_choice": "There is no workflow “%(value)s” that runs by the clock.",
        },
    )

    def __init__(self, organization: OrganizationRecord, actor: Actor, data: Any = None) -> None:
        super().__init__(data)
        self.organization, self.actor = organization, actor
        self.fields["workflow"].choices = [("", "Choose a workflow"), *workflow_choices()]  # type: ignore[attr-defined]

    def clean_workflow(self) -> str:
        """Refuses at once what this person could not save."""
        name = str(self.cleaned_data["workflow"])
        try:
            check(self.organization, name, {}, self.actor)
        except (Refused, WorkflowException) as refused:
            raise forms.ValidationError(refused.message) from None
        return name


class ScheduleForm(_TimesForm):
    """Asks `settling.check` what may be set. The page says for which organization, who asks, and what is given."""

    organization: ClassVar[OrganizationRecord]
    actor: ClassVar[Actor]
    given: ClassVar[Given]
    may_change: ClassVar[bool] = True

    class Meta:
        model = Schedule
        fields: ClassVar = ["enabled", "cron", "timezone", "overlap", "missed", "paused_until"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.workflow = self.given.workflow
        self.problems: list[tuple[str, str]] = []
        if "paused_until" in self.fields:
            self.fields["paused_until"].help_text = "In UTC. Times until then are skipped, each with its reason."

    @cached_property
    def pressed(self) -> Asked | None:
        """The parameters as a button of the page has changed them; None where none of these was pressed."""
        return self.given.changes.again(cast(QueryDict, self.data)) if self.is_bound else None

    @cached_property
    def changed(self) -> Changed:
        return self.given.changes.read(cast(QueryDict, self.data))

    @cached_property
    def asked(self) -> Asked:
        """The parameters as the page shows them: as they are kept, or as they were sent with what is wrong."""
        if not self.may_change:
            return self.given.to_read()
        if not self.is_bound:
            return self.given.changes.begin()
        return self.pressed or self.given.changes.told(self.changed.asked, self.problems if self.errors else ())

    def full_clean(self) -> None:
        """Of a page that is only changed nothing is wrong yet."""
        self.problems = []
        if self.pressed is None:
            super().full_clean()
        else:
            self._errors, self.cleaned_data = ErrorDict(), {}

    def is_valid(self) -> bool:
        return super().is_valid() and self.pressed is None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        mine = Schedule.objects.filter(organization=self.organization.id, workflow=self.given.workflow)
        if self.instance._state.adding and mine.exists():
            self.add_error(None, "There is a schedule of this workflow meanwhile.")
        try:
            self._check()
        except (Refused, WorkflowException) as refused:
            self.add_error(None, refused.message)
        if self.problems:
            self.add_error(None, "What is wrong with the parameters is said beside them.")
        return values

    def wish(self) -> Wish:
        """What the form sets. Parameters of a schedule that is off need not fit as long as nobody changes them."""
        wish = cast(Wish, {name: self.cleaned_data[name] for name in FIELDS if name in self.cleaned_data})
        for name in ("cron", "timezone"):
            if name in wish:
                wish[name] = wish[name].strip()
        if self.given.spec is not None and (self.changed.touched or wish.get("enabled")):
            wish["parameters"] = self.given.changed_by(self.changed)
        return wish

    def _check(self) -> None:
        """Everything that is wrong at once. Data providers are asked only about what is right so far."""
        wish = self.wish()
        parameters = wish.pop("parameters", None)
        try:
            check(self.organization, self.given.workflow, wish, self.actor)
        except ValidationError as invalid:
            for name, message in problems_of(invalid):
                self.add_error(name if name in self.fields else None, message)
        self.problems = list(self.changed.asked.problems)
        try:
            self._check_parameters(parameters)
        except ValidationError as invalid:
            known = {place.partition(".")[0] for place, _message in self.problems}
            wrong = problems_of(invalid, within="parameters")
            self.problems += [problem for problem in wrong if problem[0].partition(".")[0] not in known]

    def _check_parameters(self, values: Mapping[str, Any] | None) -> None:
        spec = self.given.spec
        if spec is None or values is None:
            return
        exact = check(self.organization, self.given.workflow, {"parameters": values}, self.actor)
        if not self.problems:
            check_parameters(self.organization, spec, spec.validate(exact), touched=self.changed.touched)


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
