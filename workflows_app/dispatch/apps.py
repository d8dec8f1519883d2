from __future__ import annotations

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "workflows_app.dispatch"
    label = "dispatch"
    verbose_name = "Executions"

    def ready(self) -> None:
        from workflows_app.dispatch import checks  # noqa: F401  registers the system checks
