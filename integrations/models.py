"""What an organization is connected to, and how."""

from __future__ import annotations

from django.db import models
from uuid6 import uuid7


class Config(models.Model):
    """An organization's key and value. A value of type secret names a secret in the vault, never its text."""

    class Type(models.TextChoices):
        STRING = "string"
        INT = "int"
        BOOL = "bool"
        JSON = "json"
        SECRET = "secret"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    type = models.CharField(max_length=8, choices=Type.choices, default=Type.STRING)
    value = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key
