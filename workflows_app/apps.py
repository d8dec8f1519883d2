from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows_app"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from workflows_app import hosting
        from workflows_app.engine import logs

        logs.install()
        hosting.connect()
