"""Thin rows of the shared schema about the connections of all organizations.

The staff's board, the alerts and the maintenance read these, so that none of them has to visit every organization's
schema. They hold nothing that a provider said and no secret. Written by `integrations.oauth.fleet` alone, in the
transaction of what they tell of.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from uuid6 import uuid7

from integrations.oauth.words import Status


class FleetConnection(models.Model):
    """A connection, as far as it may be known outside of its organization."""

    class Alerted(models.TextChoices):
        """What an alert has told of it that is not over."""

        NOTHING = ""
        DYING = "dying"
        DEAD = "dead"

    connection = models.UUIDField(primary_key=True, editable=False)
    organization = models.UUIDField()
    name = models.CharField(max_length=100)
    provider = models.CharField(max_length=50)
    status = models.CharField(max_length=16, choices=Status.choices)
    shared = models.BooleanField(default=False)
    refreshable = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True)
    last_refreshed_at = models.DateTimeField(null=True)
    problem = models.CharField("last error", max_length=200, default="", help_text="In our words.")
    tried_at = models.DateTimeField(null=True, help_text="When the maintenance last took it up.")
    alerted = models.CharField(max_length=8, choices=Alerted.choices, default=Alerted.NOTHING, blank=True)

    class Meta:
        verbose_name = "connection"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "name"], name="connection_organization"),
            models.Index(fields=["status", "expires_at"], name="connection_status"),
        ]

    def __str__(self) -> str:
        return str(self.connection)


class ConnectionUse(models.Model):
    """Which workflow of which organization has used a connection: what breaks when it dies. A shared connection has
    rows of many organizations."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.UUIDField()
    organization = models.UUIDField()
    workflow = models.CharField(max_length=100)
    last_used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["connection", "organization", "workflow"], name="connection_use_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organization"], name="use_organization")]

    def __str__(self) -> str:
        return str(self.id)


class SignIn(models.Model):
    """Somebody who was sent to a provider's page and has not come back. It is good once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True, help_text="Of the state; the state itself is not kept.")
    organization = models.UUIDField()
    connection = models.UUIDField()
    person = models.CharField(max_length=100)
    session = models.CharField(max_length=64, help_text="A digest of the session's key.")
    redirect_uri = models.CharField(max_length=500)
    started_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["started_at"], name="sign_in_started")]

    def __str__(self) -> str:
        return str(self.id)
