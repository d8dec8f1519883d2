"""An organization's executions and their journals."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from uuid6 import uuid7

from workflows_app.alerts.models import Alert, Notice  # noqa: F401  tables of this app
from workflows_app.files.models import FileUse, StoredFile  # noqa: F401  the same
from workflows_app.providers.models import ProviderHealth  # noqa: F401  the same


class Status(models.TextChoices):
    """The life of an execution (design, section 4). The terminal ones never change."""

    PENDING_APPROVAL = "PendingApproval"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    SUCCESS = "Success"
    COMPLETED_WITH_ERRORS = "CompletedWithErrors"
    FAILED = "Failed"
    COMPENSATED = "Compensated"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"


TERMINAL = frozenset(
    {
        Status.SUCCESS,
        Status.COMPLETED_WITH_ERRORS,
        Status.FAILED,
        Status.COMPENSATED,
        Status.CANCELLED,
        Status.REJECTED,
    }
)


class Execution(models.Model):
    """One run of one workflow. `workflows_app.executions` alone creates one; its owner alone ends it."""

    id = models.UUIDField(primary_key=True)
    workflow = models.CharField(max_length=100)
    status = models.CharField(max_length=24, choices=Status.choices)
    # Redacted by key; what redaction changed lies encrypted beside it.
    input = models.JSONField()
    input_sealed = models.BinaryField(null=True)
    # What somebody made of the input while approving the start; where it is there, this is what runs.
    approved_input = models.JSONField(null=True)
    approved_input_sealed = models.BinaryField(null=True)
    result = models.JSONField(null=True)
    result_sealed = models.BinaryField(null=True)
    error = models.JSONField(null=True, help_text='{"error", "message", "details"}')
    variables = models.JSONField(null=True)
    progress = models.FloatField(null=True, help_text="0 to 100.")
    attempt = models.PositiveIntegerField(default=1)
    recoveries = models.PositiveSmallIntegerField(
        db_default=0, help_text="How often it was lost while running since it last got on."
    )
    resumable = models.BooleanField(db_default=False, help_text="Running it again after a loss does no harm.")
    spent_ms = models.PositiveBigIntegerField(db_default=0, help_text="Running time before the current stretch.")
    trigger = models.JSONField()
    executed_by = models.JSONField(
        help_text='{"kind", "id", "email", "name"} as they were; no key into the shared schema.'
    )
    actor = models.CharField(max_length=80, help_text="Kind and id of who started it, for idempotency.")
    idempotency_key = models.CharField(max_length=255, null=True)
    idempotency_digest = models.CharField(max_length=64, null=True)
    code_version = models.CharField(max_length=64)
    parent = models.UUIDField(null=True)
    depth = models.PositiveSmallIntegerField(default=0)
    retry_of = models.UUIDField(null=True, help_text="The execution that a person started again as this one.")
    continued_from = models.UUIDField(null=True, help_text="The execution in whose place this one goes on.")
    continued_as = models.UUIDField(null=True, help_text="The execution that goes on in the place of this one.")
    chain = models.UUIDField(null=True, help_text="The first of the executions that went on one after the other.")
    created_at = models.DateTimeField(db_default=TransactionNow())
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["workflow", "actor", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="execution_idempotency",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workflow", "-id"], name="execution_workflow"),
            models.Index(fields=["status", "-id"], name="execution_status"),
            models.Index(fields=["actor", "-id"], name="execution_actor"),
            models.Index(fields=["parent"], name="execution_parent", condition=models.Q(parent__isnull=False)),
            # One row for each chain, however long it is: its last.
            models.Index(
                fields=["chain"],
                name="execution_chain",
                condition=models.Q(chain__isnull=False, continued_as__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def ran_input(self) -> tuple[Any, bytes | None]:
        """What it runs with, redacted, and encrypted where redaction changed it: as approved, else as submitted."""
        approved = self.approved_input is not None
        sealed = self.approved_input_sealed if approved else self.input_sealed
        return self.approved_input if approved else self.input, None if sealed is None else bytes(sealed)


class ExecutionEvent(models.Model):
    """One line of an execution's journal. Append-only; `(execution, seq)` is its key."""

    pk = models.CompositePrimaryKey("execution_id", "seq")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="events"
    )
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=24)
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=200, help_text="The task that made it: its parent's path and its number there.")
    number = models.PositiveIntegerField(help_text="Which one of its path, kind and name.")
    data = models.JSONField(null=True)
    exact = models.BinaryField(null=True, help_text="The value in it, encrypted, where redaction changed that.")

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Inbox(models.Model):
    """What others send to an execution, in order of arrival. Its owner copies each entry into the journal."""

    pk = models.CompositePrimaryKey("execution_id", "number")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="inbox"
    )
    number = models.PositiveIntegerField(help_text="From 1; `Dispatch.inbox` is the last one.")
    kind = models.CharField(max_length=24, help_text="cancel, signal, decision or child_end.")
    name = models.CharField(max_length=200, blank=True)
    data = models.JSONField(null=True)
    data_sealed = models.BinaryField(null=True)
    sent_at = models.DateTimeField(db_default=TransactionNow())
    key = models.CharField(max_length=255, null=True, help_text="Of the step that sent it, which may run again.")

    class Meta:
        verbose_name_plural = "inbox"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(key__isnull=False), name="inbox_key")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"


class Approval(models.Model):
    """A person's yes or no that an execution waits for, before it starts or in the middle of its run."""

    class Kind(models.TextChoices):
        START = "start"
        STEP = "step"

    class State(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, db_constraint=False, related_name="approvals")
    workflow = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.START, db_default=Kind.START)
    key = models.CharField(max_length=250, null=True, help_text="Which question of its execution; asked once.")
    title = models.CharField(max_length=200)
    message = models.TextField(blank=True, db_default="")
    form = models.JSONField(null=True, help_text="Its fields, with initial values that are redacted.")
    form_sealed = models.BinaryField(null=True, help_text="The exact initial values, where redaction changed them.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    requested_by = models.JSONField(help_text="As `Execution.executed_by`.")
    requester = models.CharField(max_length=80, help_text="Kind and id; never the one who decides.")
    permission = models.CharField(max_length=50, help_text="What one must be allowed in order to decide.")
    approvers = models.JSONField(null=True, help_text="The e-mail addresses of those who alone may decide.")
    told = models.JSONField(null=True, help_text="How many people got a notice, of how many who may decide.")
    created_at = models.DateTimeField(db_default=TransactionNow())
    expires_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.JSONField(null=True)
    comment = models.TextField(blank=True)
    values = models.JSONField(null=True, help_text="The form's values as they were approved, redacted.")
    values_sealed = models.BinaryField(null=True, help_text="The exact values, where redaction changed them.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["execution", "key"], name="approval_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "-id"], name="approval_state"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class WebhookDelivery(models.Model):
    """One call of a webhook as it came. The raw body is encrypted; what is shown is sanitized."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=100)
    delivery_id = models.CharField(max_length=255, help_text="The sender's own, or the id of this row.")
    execution = models.UUIDField(null=True, help_text="What it started; the first delivery of this id did.")
    redelivery_of = models.UUIDField(null=True)
    headers = models.JSONField(help_text="Without credentials.")
    body = models.JSONField(null=True, help_text="Redacted by key.")
    body_sealed = models.BinaryField(null=True, help_text="The raw bytes, encrypted.")
    received_at = models.DateTimeField(db_default=TransactionNow())
    problem = models.CharField(max_length=500, blank=True, help_text="Why it started nothing.")

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workflow", "-id"], name="delivery_workflow"),
            models.Index(fields=["received_at"], name="delivery_received"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Webhook(models.Model):
    """The state of a workflow's webhook in this organization. The secrets themselves lie in the vault."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=100, unique=True)
    rotated_at = models.DateTimeField(db_default=TransactionNow())
    previous_until = models.DateTimeField(null=True, help_text="Until then the secret before works as well.")

    def __str__(self) -> str:
        return self.workflow


class ScheduleParameters(models.Model):
    """What a scheduled workflow is given in this organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=100, unique=True)
    values = models.JSONField(default=dict, help_text="Redacted by key.")
    values_sealed = models.BinaryField(null=True, help_text="The exact values, where redaction changed them.")

    class Meta:
        verbose_name_plural = "schedule parameters"

    def __str__(self) -> str:
        return self.workflow


class ScheduleRun(models.Model):
    """One time at which a schedule was due, and what came of it."""

    class Outcome(models.TextChoices):
        STARTED = "started"
        SKIPPED = "skipped"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=100)
    planned_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reason = models.CharField(max_length=500, blank=True)
    execution = models.UUIDField(null=True)
    recorded_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workflow", "planned_at"], name="schedule_run_once")
        ]

    def __str__(self) -> str:
        return f"{self.planned_at:%Y-%m-%d %H:%M} {self.outcome}"
