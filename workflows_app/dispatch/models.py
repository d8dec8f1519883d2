"""The shared run queue: which executions are not finished, which are, and which processes work on them.

No customer data lies here; an organization's own schema holds the execution and its journal.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from uuid6 import uuid7


class Worker(models.Model):
    """One incarnation of a process that runs executions. Deleting the row fences it: each of its writes takes the row's
    share lock first, and finds no row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    beat = models.PositiveBigIntegerField(default=0, help_text="Raised at each beat; its value carries no time.")
    beat_at = models.DateTimeField(db_default=TransactionNow())
    started_at = models.DateTimeField(db_default=TransactionNow())
    code_version = models.CharField(max_length=64, blank=True)
    capacity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"


class Lane(models.IntegerChoices):
    """Which rows of the run queue a claim takes together."""

    OPEN = 0, "open"
    LIMITED = 1, "its workflow has a limit in this organization"
    ALONE = 2, "lost twice without progress: one at a time in each process"


class Priority(models.IntegerChoices):
    LOW = 0, "low"
    NORMAL = 1, "normal"
    HIGH = 2, "high"


class Dispatch(models.Model):
    """An execution that is not finished."""

    execution = models.UUIDField(primary_key=True)
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100)
    status = models.CharField(max_length=24)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    lane = models.SmallIntegerField(choices=Lane.choices, db_default=Lane.OPEN)
    # When it is due. Of what is suspended or waits for an approval: when that ends by itself, infinity if never.
    run_at = models.DateTimeField(db_default=TransactionNow())
    queued_at = models.DateTimeField(db_default=TransactionNow(), help_text="Since when it has waited, last.")
    worker = models.UUIDField(null=True)
    epoch = models.PositiveIntegerField(default=0, help_text="Raised at each claim.")
    inbox = models.PositiveIntegerField(default=0, help_text="How many entries its inbox has had.")
    code_version = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Of the workflow when it was queued."
    )
    reason = models.CharField(
        max_length=200, blank=True, db_default="", help_text="Why it waits or was taken back, in words."
    )
    closes_with = models.UUIDField(null=True, help_text="The parent with whose end it is cancelled.")
    chain = models.UUIDField(null=True, help_text="The first of the executions that went on one after the other.")

    class Meta:
        verbose_name = "queued execution"
        verbose_name_plural = "run queue"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["organization", "priority", "run_at"],
                name="dispatch_claimable",
                condition=models.Q(status="Queued", lane=Lane.OPEN),
            ),
            models.Index(
                fields=["organization", "workflow", "priority", "run_at"],
                name="dispatch_limited",
                condition=models.Q(status="Queued", lane=Lane.LIMITED),
            ),
            models.Index(
                fields=["run_at"], name="dispatch_alone", condition=models.Q(status="Queued", lane=Lane.ALONE)
            ),
            models.Index(
                fields=["run_at"],
                name="dispatch_waiting",
                condition=models.Q(status__in=["Suspended", "PendingApproval"]),
            ),
            models.Index(
                fields=["organization", "workflow"], name="dispatch_running", condition=models.Q(status="Running")
            ),
            models.Index(
                fields=["closes_with"], name="dispatch_children", condition=models.Q(closes_with__isnull=False)
            ),
            models.Index(fields=["chain"], name="dispatch_continued", condition=models.Q(chain__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.execution)


class Fleet(models.Model):
    """A finished execution, as thin as the staff's pages need it."""

    execution = models.UUIDField(primary_key=True)
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100)
    status = models.CharField(max_length=24)
    finished_at = models.DateTimeField(db_default=TransactionNow())
    duration_ms = models.PositiveBigIntegerField(null=True)

    class Meta:
        verbose_name_plural = "fleet"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "-finished_at"], name="fleet_organization"),
            models.Index(fields=["-finished_at"], name="fleet_finished"),
            models.Index(fields=["-finished_at"], name="fleet_failed", condition=models.Q(status="Failed")),
        ]

    def __str__(self) -> str:
        return str(self.execution)


class CodeVersion(models.Model):
    """The sources of a workflow and of the workspace modules that it imports, kept once per hash."""

    hash = models.CharField(max_length=64, primary_key=True)
    files = models.JSONField(help_text="Path inside the workspace to source text.")
    stored_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return self.hash[:12]


class WorkflowSetting(models.Model):
    """What the MSP has settled about one workflow in one organization; with an empty workflow, about all of them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100, blank=True, help_text="Empty: the organization as a whole.")
    enabled = models.BooleanField(default=True)
    max_concurrent = models.PositiveIntegerField(
        null=True, blank=True, help_text="At most so many run at once; the others wait."
    )
    starts_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="At most so many start within any 60 seconds."
    )
    recent_starts = ArrayField(models.DateTimeField(), default=list, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organization", "workflow"], name="dispatch_one_setting")
        ]

    def __str__(self) -> str:
        return self.workflow or "all workflows"


class Overlap(models.TextChoices):
    """What a schedule does when its last run has not ended."""

    SKIP = "skip"
    QUEUE = "queue"
    PARALLEL = "parallel"


class Missed(models.TextChoices):
    """What a schedule does about times at which nothing looked."""

    RUN_ONCE = "run_once"
    SKIP = "skip"


class Schedule(models.Model):
    """When a workflow runs for one organization. Its parameters and its history lie in the organization's schema."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    cron = models.CharField(max_length=100, blank=True, help_text="Empty: as the workflow says.")
    timezone = models.CharField(max_length=64, blank=True, help_text="Empty: the organization's.")
    overlap = models.CharField(max_length=16, choices=Overlap.choices, default=Overlap.SKIP)
    missed = models.CharField(max_length=16, choices=Missed.choices, default=Missed.RUN_ONCE)
    paused_until = models.DateTimeField(null=True, blank=True)
    next_run = models.DateTimeField(null=True, editable=False, help_text="Empty: it never comes due.")
    last_run = models.DateTimeField(null=True, editable=False, help_text="The last time that was due.")
    problem = models.CharField(max_length=500, blank=True, editable=False, help_text="Why it cannot run.")
    by_audience = models.BooleanField(
        default=False, editable=False, help_text="Enabled for a tag or for all, not for this organization by itself."
    )
    effective = models.CharField(
        max_length=200,
        blank=True,
        default="",
        editable=False,
        help_text="Cron and time zone, with a bar between them, of which next_run was computed.",
    )
    waiting = models.BooleanField(
        default=False, editable=False, help_text="It is due, and waits until its run before has ended."
    )
    unfinished = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Executions that it started, each with its planned time."
    )
    judged_at = models.DateTimeField(
        null=True, editable=False, help_text="When the newest failure ended that was looked at for an alert."
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organization", "workflow"], name="dispatch_one_schedule")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_run"], name="dispatch_schedule_due", condition=models.Q(enabled=True))
        ]

    def __str__(self) -> str:
        return self.workflow


class ScheduleAudience(models.Model):
    """For which organizations a scheduled workflow is enabled together. Each gets a `Schedule` with these values; one
    that an organization has set by itself stays as it is."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=100, unique=True)
    all_organizations = models.BooleanField(default=False, help_text="Every customer, also future ones.")
    tags = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Every organization with one of these tags, also future ones.",
    )
    organizations = ArrayField(models.UUIDField(), default=list, blank=True)
    cron = models.CharField(max_length=100, blank=True, help_text="Empty: as the workflow says.")
    timezone = models.CharField(max_length=64, blank=True, help_text="Empty: each organization's own.")
    overlap = models.CharField(max_length=16, choices=Overlap.choices, default=Overlap.SKIP)
    missed = models.CharField(max_length=16, choices=Missed.choices, default=Missed.RUN_ONCE)

    def __str__(self) -> str:
        return self.workflow


class OpenAlert(models.Model):
    """An open alert, as thin as the staff's first page needs it. What it says lies in the organization's schema."""

    alert = models.UUIDField(primary_key=True)
    organization = models.UUIDField()
    kind = models.CharField(max_length=50)
    severity = models.CharField(max_length=16)
    raised_at = models.DateTimeField(db_default=TransactionNow(), help_text="The last time.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "-raised_at"], name="dispatch_open_alert")
        ]

    def __str__(self) -> str:
        return str(self.alert)


class Outgoing(models.Model):
    """An alert or a notice that is still to be sent in one way. Gone once it was sent or given up."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    about = models.CharField(max_length=16, help_text="alert or notice.")
    item = models.UUIDField()
    channel = models.CharField(max_length=16, help_text="email or webhook.")
    attempts = models.PositiveSmallIntegerField(db_default=0, help_text="Raised before each attempt.")
    due_at = models.DateTimeField(db_default=TransactionNow(), help_text="While it is sent: when that counts as lost.")

    class Meta:
        verbose_name_plural = "outgoing"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["item", "channel"], name="dispatch_outgoing_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["due_at"], name="dispatch_outgoing_due")]

    def __str__(self) -> str:
        return f"{self.about} by {self.channel}"


class Tiding(models.Model):
    """Something that somebody is to be told of, from when it is sure to happen until it was told and is over."""

    class Kind(models.TextChoices):
        APPROVAL = "approval", "an approval was asked for"
        DECISION = "decision", "an approval was decided"
        REQUEST = "request", "a request has ended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    item = models.UUIDField(help_text="The approval, or the submission.")
    execution = models.UUIDField(null=True, help_text="Empty: it is not known yet, or was never started.")
    told = models.BooleanField(db_default=False, help_text="What is left to do comes with the execution's end.")
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "item"], name="dispatch_tiding_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.item}"


class Metric(models.Model):
    """What all processes together have counted in one series: a name of `metrics.families` and its labels' values."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    family = models.CharField(max_length=100)
    labels = ArrayField(models.CharField(max_length=200))
    count = models.BigIntegerField()
    total = models.FloatField(help_text="The sum of a histogram's values.")
    buckets = ArrayField(models.BigIntegerField(), help_text="How many of a histogram's values lie in each.")
    changed_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["family", "labels"], name="dispatch_one_metric")
        ]

    def __str__(self) -> str:
        return f"{self.family} {self.labels}"
