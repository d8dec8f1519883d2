from __future__ import annotations

from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "integrations.fleet"
    label = "fleet"
    verbose_name = "Connections"
