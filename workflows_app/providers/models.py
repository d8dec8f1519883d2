"""What is remembered of an organization's data providers."""

from __future__ import annotations

from django.db import models
from uuid6 import uuid7


class ProviderHealth(models.Model):
    """What came last of one data provider; written by `providers.health` alone. One row for each provider."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField("data provider", max_length=100, unique=True)
    last_success_at = models.DateTimeField(null=True)
    last_error_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="", help_text="For staff.")
    failures = models.PositiveIntegerField("failures in a row", default=0)
    options = models.PositiveIntegerField(null=True, help_text="How many it gave last.")
    duration_ms = models.PositiveIntegerField(null=True, help_text="How long that took.")
    log = models.JSONField(default=list, help_text="What it logged when it was asked last, redacted and cut.")
    asked_at = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "workflows_app"
        ordering = ["provider"]
        verbose_name = "data provider"

    def __str__(self) -> str:
        return self.provider
