"""An organization's forms and what was submitted with them. A form that the MSP shares lies in the MSP's schema."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from uuid6 import uuid7


class Form(models.Model):
    """What a person fills in to start a workflow. What it asks lies in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=100, unique=True, help_text="Its address; it does not change.")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=100, default="General")
    workflow = models.CharField(max_length=100)
    published = models.BooleanField(default=False, help_text="People see it.")
    version = models.PositiveIntegerField(default=1, help_text="The number of the version that is filled in now.")
    # Who may use it; nothing chosen: everybody who may submit forms.
    roles = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    groups = ArrayField(models.UUIDField(), default=list, blank=True, help_text="Groups of members.")
    # Of a public link; without one, public_until is empty.
    public_until = models.DateTimeField(null=True, blank=True)
    public_round = models.PositiveIntegerField(default=0, editable=False, help_text="Raised to end earlier links.")
    public_per_hour = models.PositiveIntegerField(default=20, help_text="Submissions through the link.")
    # In the MSP's schema: the customers that have it as well.
    shared_all = models.BooleanField("every customer", default=False, help_text="Every customer, also future ones.")
    shared_tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    shared_organizations = ArrayField(models.UUIDField(), default=list, blank=True)
    created_at = models.DateTimeField(db_default=TransactionNow())
    changed_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["category", "name"]

    def __str__(self) -> str:
        return self.name


class FormVersion(models.Model):
    """A form as it was at one time; never changed. A submission keeps the one that was filled in.

    Where the form is the MSP's, the organization has a copy of that version, under the same id.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    form = models.UUIDField()
    number = models.PositiveIntegerField()
    items = models.JSONField(help_text="As workflows_app.inputs.definition reads it.")
    submit_label = models.CharField(max_length=60, blank=True)
    confirmation = models.TextField(blank=True, help_text="Markdown, shown when it was submitted.")
    saved_at = models.DateTimeField(db_default=TransactionNow())
    saved_by = models.JSONField(help_text="As `Execution.executed_by`.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["form", "number"], name="form_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.number}"


class Submission(models.Model):
    """One use of a form. Its id is made with the page, so that many clicks are one submission. The values lie in the
    execution's input."""

    id = models.UUIDField(primary_key=True, editable=False)
    version = models.ForeignKey(FormVersion, on_delete=models.PROTECT, related_name="submissions")
    form = models.UUIDField()
    slug = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    submitted_by = models.JSONField(help_text="As `Execution.executed_by`.")
    actor = models.CharField(max_length=80, help_text="Kind and id.")
    digest = models.CharField(max_length=64, help_text="Of what was filled in, to tell a repeated click from a change.")
    labels = models.JSONField(default=dict, db_default={}, help_text="Of options that were chosen, as they were then.")
    execution = models.UUIDField(null=True, help_text="Empty: it was refused, or is under way.")
    submitted_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            # Its id is the page's choice, so it says nothing about when.
            models.Index(fields=["actor", "-submitted_at", "-id"], name="submission_actor"),
            models.Index(fields=["-submitted_at", "-id"], name="submission_newest"),
            models.Index(fields=["form", "-submitted_at", "-id"], name="submission_form"),
            models.Index(fields=["execution"], name="submission_execution"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class FormDraft(models.Model):
    """What one member of the staff has changed of a form and not saved as a version yet."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    form = models.UUIDField()
    actor = models.CharField(max_length=80, help_text="Kind and id.")
    base = models.PositiveIntegerField(help_text="The number of the version that it began from.")
    content = models.JSONField(help_text="As forms_app.builder.content reads it.")
    earlier = models.JSONField(default=list, help_text="What it was before the last steps, the newest last.")
    revision = models.UUIDField(default=uuid4, help_text="Another one after each change.")
    changed_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["form", "actor"], name="form_draft_once")
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.actor}"
