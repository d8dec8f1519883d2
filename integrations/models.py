"""What an organization is connected to, and how."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from uuid6 import uuid7

from integrations.oauth.models import Connection, SharedToken

__all__ = ["CircuitBreaker", "Config", "Connection", "RateLimit", "SharedToken"]


class Config(models.Model):
    """An organization's key and value. A value of type secret names a secret in the vault, never its text.

    Those of the MSP's organization are the defaults of all others; with a tag, of those that carry it.
    """

    class Type(models.TextChoices):
        STRING = "string"
        INT = "int"
        BOOL = "bool"
        JSON = "json"
        SECRET = "secret"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200)
    tag = models.CharField(max_length=50, blank=True, default="", db_default="")
    type = models.CharField(max_length=8, choices=Type.choices, default=Type.STRING)
    value = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["key", "tag"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key", "tag"], name="config_key_and_tag")
        ]

    def __str__(self) -> str:
        return f"{self.key} for {self.tag}" if self.tag else self.key


class CircuitBreaker(models.Model):
    """Whether an outside service is asked, for all processes. Written by `breakers` alone, on the database's clock."""

    class State(models.TextChoices):
        CLOSED = "closed"
        OPEN = "open"
        HALF_OPEN = "half-open"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CLOSED)
    failures = ArrayField(models.DateTimeField(), default=list)  # those that count, while it is closed
    # Open: when a trial is let through. Half-open: when the trial is given up.
    until = models.DateTimeField("not asked until", null=True)
    trial = models.UUIDField(null=True)
    reason = models.CharField("what failed last", max_length=200, default="")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["service"]

    def __str__(self) -> str:
        return self.service


class RateLimit(models.Model):
    """The permits that were given under a key, so far as they count. Written by `rates` alone, on the database's
    clock."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    given = ArrayField(models.DateTimeField(), default=list)
    asked_at = models.DateTimeField()
    free_at = models.DateTimeField()  # when there was, or is to be, a permit for the one that asked then

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key
