"""Runs the worker processes and watches them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from workflows_app.dispatch.checks import BACKGROUND
from workflows_app.dispatch.clusters import Supervisor


class Command(BaseCommand):
    help = (
        "Runs what works in the background, in the foreground: a cluster of BIFROST_WORKERS processes that run "
        "executions, and one of ordinary tasks and the maintenance. What hangs or dies is replaced. SIGTERM or Ctrl-C "
        "stops it: running executions get BIFROST_STOP_GRACE_SECONDS to finish, the others are handed over. May run "
        "many times, on as many machines, with one database."
    )
    requires_system_checks = (BACKGROUND,)

    def handle(self, *args: Any, **options: Any) -> None:
        Supervisor().run()
