from __future__ import annotations

from django.apps import AppConfig


class BifrostConfig(AppConfig):
    name = "bifrost"
