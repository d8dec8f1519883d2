"""`manage.py history`: what an execution did, in three densities."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from workflows_app import history_text
from workflows_app.command_line import organization_with
from workflows_app.errors import Refused
from workflows_app.recording import document_of

FIXED_WIDTH = 120


class Command(BaseCommand):
    help = (
        "Print the history of an execution: a line for each operation (compact), every line of its journal (full), or"
        " the whole as JSON, which `replay --file` and bifrost.testing.replay take. Values are shown redacted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("execution", type=UUID, metavar="EXECUTION_ID")
        parser.add_argument("--org", metavar="ORG_ID", help="the execution's organization; found by itself")
        parser.add_argument("--density", choices=["compact", "full", "json"], default="compact")

    def handle(self, *args: Any, **options: Any) -> None:
        execution = options["execution"]
        try:
            document = document_of(organization_with(options["org"], execution), execution)
        except Refused as refused:
            raise CommandError(refused.message, returncode=2) from None
        if options["density"] == "json":
            self.stdout.write(json.dumps(document, indent=1, ensure_ascii=False))
            return
        terminal = self.stdout.isatty()
        width = shutil.get_terminal_size().columns if terminal else FIXED_WIDTH
        told = history_text.compact if options["density"] == "compact" else history_text.full
        self.stdout.write(told(document, width, colour=terminal))
