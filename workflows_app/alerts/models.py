"""An organization's alerts and notices."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from uuid6 import uuid7

DELIVERIES = 'By channel: {"state": waiting, sent, failed or skipped, "attempts", "at", "error", "to"}.'


class Severity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Alert(models.Model):
    """Something that the staff have to look at. There is at most one of a key that is not resolved."""

    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        RESOLVED = "resolved"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=50, help_text="Such as compensation_failed, escalated, overdue.")
    severity = models.CharField(max_length=16, choices=Severity.choices)
    title = models.CharField(max_length=200)
    message = models.TextField()
    details = models.JSONField(default=dict, help_text="Redacted by key.")
    execution = models.UUIDField(null=True)
    workflow = models.CharField(max_length=100, blank=True)
    key = models.CharField(max_length=300, help_text="What is one and the same trouble.")
    count = models.PositiveIntegerField(default=1, help_text="How often it was raised.")
    first_raised_at = models.DateTimeField(db_default=TransactionNow())
    last_raised_at = models.DateTimeField(db_default=TransactionNow())
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.JSONField(null=True, help_text="As `Execution.executed_by`.")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.JSONField(null=True)
    deliveries = models.JSONField(default=dict, help_text=DELIVERIES)

    class Meta:
        app_label = "workflows_app"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key"], condition=~models.Q(state="resolved"), name="alert_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "-id"], name="alert_state"),
            models.Index(fields=["resolved_at"], name="alert_resolved", condition=models.Q(resolved_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Notice(models.Model):
    """A note to one person: an entry of that one's inbox, and an e-mail where there is an address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=600, help_text="Under which it was left; once for each recipient.")
    recipient = models.CharField(max_length=340, help_text="Kind and id, or email and the address.")
    email = models.CharField(max_length=254, blank=True, help_text="In lower case.")
    subject = models.CharField(max_length=200)
    message = models.TextField()
    execution = models.UUIDField(null=True)
    workflow = models.CharField(max_length=100, blank=True)
    about = models.CharField(
        max_length=16, blank=True, db_default="", help_text="approval, decision or request; empty: a workflow said it."
    )
    approval = models.UUIDField(null=True, help_text="That which it asks for.")
    created_at = models.DateTimeField(db_default=TransactionNow())
    read_at = models.DateTimeField(null=True)
    deliveries = models.JSONField(default=dict, help_text=DELIVERIES)

    class Meta:
        app_label = "workflows_app"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key", "recipient"], name="notice_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["recipient", "-id"], name="notice_recipient"),
            models.Index(fields=["email", "-id"], name="notice_email", condition=~models.Q(email="")),
            models.Index(fields=["created_at"], name="notice_created"),
            models.Index(
                fields=["approval"],
                name="notice_to_decide",
                condition=models.Q(approval__isnull=False, read_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
