"""Connections in the organization's schema. No token and no client secret is in any of these columns."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from uuid6 import uuid7

from integrations.oauth.words import ClientAuthentication, Grant, Status

LONGEST_ERROR = 500


class TokenState(models.Model):
    """What is known of the tokens that the vault keeps. Written by `leases` alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.PositiveBigIntegerField(default=0, help_text="Raised with every token that was stored.")
    expires_at = models.DateTimeField(null=True)
    refresh_at = models.DateTimeField(null=True, help_text="From when on a new one is asked for.")
    refreshing_until = models.DateTimeField(null=True, help_text="Until when somebody may be asking for one.")
    lease = models.UUIDField(null=True)
    retry_at = models.DateTimeField(null=True, help_text="Until when nobody asks, since it has just failed.")
    last_refreshed_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=LONGEST_ERROR, default="")

    class Meta:
        app_label = "integrations"
        abstract = True


class Connection(TokenState):
    """An account at an outside service. `{tenant}` in its addresses is the Microsoft tenant of whoever uses it."""

    name = models.CharField(max_length=100)
    provider = models.CharField(max_length=50)
    grant = models.CharField(max_length=32, choices=Grant.choices, default=Grant.CODE)
    client_id = models.CharField(max_length=200)
    client_authentication = models.CharField(
        max_length=32, choices=ClientAuthentication.choices, default=ClientAuthentication.POST
    )
    has_secret = models.BooleanField(default=False, help_text="Whether the vault has a client secret.")
    authorize_url = models.CharField(max_length=500, blank=True)
    token_url = models.CharField(max_length=500)
    scopes = models.CharField(max_length=2000, blank=True)
    extra = models.JSONField(default=dict, blank=True, help_text="Further parameters of its requests.")
    shared = models.BooleanField(default=False, help_text="The MSP's: other organizations may use it.")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.NEW)
    refreshable = models.BooleanField(default=False, help_text="Whether it gets new tokens by itself.")
    connected_at = models.DateTimeField(null=True)
    connected_by = models.CharField(max_length=254, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "integrations"
        ordering: ClassVar = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("name"),
                name="connection_name_once",
                violation_error_message="There is a connection of this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SharedToken(TokenState):
    """The access token that an organization has by a shared connection of the MSP, for its own Microsoft tenant."""

    connection = models.UUIDField(unique=True)
    connected_at = models.DateTimeField(null=True, help_text="Of the connection by which it was got.")

    class Meta(TokenState.Meta):
        abstract = False

    def __str__(self) -> str:
        return str(self.id)
