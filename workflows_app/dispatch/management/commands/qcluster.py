"""django-q2's command, with an end that does not hang. `manage.py workers` starts it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows_app.dispatch import queue
from workflows_app.dispatch.checks import BACKGROUND


class Command(BaseCommand):
    help = (
        "Runs one django-q2 cluster: the engine's, or with Q_CLUSTER_NAME=tasks in the environment the one of ordinary "
        "tasks. Use manage.py workers, which runs both and watches them."
    )
    requires_system_checks = (BACKGROUND,)

    def handle(self, *args: Any, **options: Any) -> None:
        if not queue.run_cluster():
            raise CommandError("The cluster ended by itself.")
