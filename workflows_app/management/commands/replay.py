"""`manage.py replay`: whether today's code goes the way that an execution went."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from bifrost.sdk.replayed import Replayed
from integrations.errors import VaultUnavailable
from workflows_app.command_line import organization_with
from workflows_app.errors import Refused
from workflows_app.recording import BadHistory, read_document
from workflows_app.replay import replay_document, replay_execution

NO_VAULT = (
    "The vault is away, and this execution has values that only it can open. Replay its history as a file, which"
    " compares all but those: manage.py history {id} --density json > history.json, then manage.py replay --file."
)


class Command(BaseCommand):
    help = (
        "Run today's code against the recorded history of an execution, without doing any step, wait or child and"
        " without writing anything. Ends with 0 where it is compatible, with 1 where it is not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("execution", nargs="?", type=UUID, metavar="EXECUTION_ID")
        parser.add_argument("--org", metavar="ORG_ID", help="the execution's organization; found by itself")
        parser.add_argument("--file", type=Path, help="a history that `history --density json` wrote, instead of an id")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["execution"] is None) == (options["file"] is None):
            raise CommandError("Name either an execution or a --file.", returncode=2)
        try:
            replayed = self._replayed(options)
        except (Refused, BadHistory) as refused:
            raise CommandError(str(refused), returncode=2) from None
        except OSError as error:
            raise CommandError(f"--file: {error}", returncode=2) from None
        except VaultUnavailable:
            raise CommandError(NO_VAULT.format(id=options["execution"]), returncode=2) from None
        if not replayed:
            self.stderr.write(replayed.message, self.style.ERROR)
            sys.exit(1)
        self.stdout.write(replayed.message, self.style.SUCCESS)

    def _replayed(self, options: dict[str, Any]) -> Replayed:
        if options["file"] is not None:
            return replay_document(read_document(options["file"].read_text()))
        return replay_execution(organization_with(options["org"], options["execution"]), options["execution"])
