"""How a person settles whether a workflow may start in an organization, and within which limits."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from orgs.models import Organization
from orgs.tenancy import shared_context
from workflows_app import catalog
from workflows_app.dispatch.limit_settings import Limits
from workflows_app.dispatch.models import WorkflowSetting

ALL_WORKFLOWS = "All workflows together"
MOST_CONCURRENT = 100_000
# Each start of the last minute is kept in the setting's row.
MOST_STARTS = 10_000


def number_field(label: str, help_text: str, most: int) -> forms.IntegerField:
    """A positive number, or nothing."""
    return forms.IntegerField(
        min_value=1,
        max_value=most,
        required=False,
        label=label,
        help_text=f"{help_text} Empty: no limit.",
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": 1, "max": most}),
    )


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """For the organization whose page it is, which the page says; on the staff's site it is a field."""

    organization_id: ClassVar[UUID | None] = None

    max_concurrent = number_field("At once", "At most so many run at once; the others wait.", MOST_CONCURRENT)
    starts_per_minute = number_field("Starts a minute", "At most so many start within any 60 seconds.", MOST_STARTS)

    class Meta:
        model = WorkflowSetting
        fields: ClassVar = ["workflow", "enabled", "max_concurrent", "starts_per_minute"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "workflow" in self.fields:
            names = [(name, name) for name in sorted(catalog.current().workflows)]
            self.fields["workflow"] = forms.ChoiceField(
                choices=[("", ALL_WORKFLOWS), *names], required=False, widget=UnfoldAdminSelectWidget
            )
        if "enabled" in self.fields:
            self.fields["enabled"].help_text = "Where it is off, every new start is refused. What is queued still runs."

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        organization = self.settled_organization()
        if self.instance._state.adding and organization is not None and "workflow" in values:
            self._refuse_second(organization, values["workflow"])
        return values

    def settled_organization(self) -> UUID | None:
        """Whom it is about; None while the form does not say."""
        return self.organization_id

    def limits(self) -> Limits:
        """What the form sets."""
        return Limits(**{name: self.cleaned_data[name] for name in ("enabled", "max_concurrent", "starts_per_minute")})

    def _refuse_second(self, organization: UUID, workflow: str) -> None:
        with shared_context():
            exists = WorkflowSetting.objects.filter(organization=organization, workflow=workflow).exists()
        if exists:
            self.add_error("workflow", "There is a setting for this already: change that one.")


class StaffLimitForm(LimitForm):
    """The page says which organizations there are to choose from."""

    choices: ClassVar[list[tuple[str, str]]] = []

    organization = forms.TypedChoiceField(coerce=UUID, empty_value=None, widget=UnfoldAdminSelectWidget)

    class Meta(LimitForm.Meta):
        fields: ClassVar = ["organization", *LimitForm.Meta.fields]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "organization" in self.fields:
            self.fields["organization"].choices = [("", "---------"), *self.choices]  # type: ignore[attr-defined]

    def settled_organization(self) -> UUID | None:
        chosen: UUID | None = self.cleaned_data.get("organization")
        return chosen


def choices_of(organizations: Any) -> list[tuple[str, str]]:
    """Of a queryset of organizations, by name."""
    assert organizations.model is Organization
    return [(str(id_), name) for id_, name in organizations.order_by("name").values_list("id", "name")]
