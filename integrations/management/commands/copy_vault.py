from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bifrost.sdk.errors import WorkflowException
from integrations.vault_copying import copy_to


class Command(BaseCommand):
    help = (
        "Copies everything that the platform keeps in its vault to another vault with an empty KV engine. VAULT_ADDR "
        "and an administrator's VAULT_TOKEN say from where; the other vault's administrator's token is read from "
        "standard input. Nothing that is there already is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", metavar="ADDRESS", required=True, help="the other vault, such as https://vault:8200"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        token = sys.stdin.readline().strip()
        if not token:
            raise CommandError("Send the other vault's token to standard input.")
        try:
            done = copy_to(options["to"], token)
        except WorkflowException as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Copied {done.copied}; {done.same} were there already.")
        if done.different:
            listed = "\n".join(done.different)
            raise CommandError(f"The other vault holds something else at these paths, which was left there:\n{listed}")
