"""An organization's executions and their journals."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import TransactionNow
from django.db import models


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
    result = models.JSONField(null=True)
    result_sealed = models.BinaryField(null=True)
    error = models.JSONField(null=True, help_text='{"error", "message", "details"}')
    variables = models.JSONField(null=True)
    progress = models.FloatField(null=True, help_text="0 to 100.")
    attempt = models.PositiveIntegerField(default=1)
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
        ]

    def __str__(self) -> str:
        return str(self.id)


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

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
