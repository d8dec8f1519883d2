"""The words for what a connection is and how it got its tokens."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    NEW = "new", "Not connected yet"
    CONNECTED = "connected", "Connected"
    EXPIRED = "expired", "Has to be reconnected"
    FAILED = "failed", "Fails"
    DISCONNECTED = "disconnected", "Disconnected"


#: Those that may get another token by themselves.
LIVING = frozenset({Status.CONNECTED, Status.FAILED})


class Grant(models.TextChoices):
    CODE = "authorization_code", "A person signs in"
    CLIENT = "client_credentials", "The application signs in by itself"


class ClientAuthentication(models.TextChoices):
    POST = "client_secret_post", "in the body of the request"
    BASIC = "client_secret_basic", "in the header of the request (Basic)"
    NONE = "none", "it has no client secret"
