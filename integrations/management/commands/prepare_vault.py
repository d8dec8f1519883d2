from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bifrost.sdk.errors import WorkflowException
from integrations.queries import all_organizations
from integrations.secrets import prepare_organization
from integrations.vault_setup import platform_sign_in, prepare_vault


class Command(BaseCommand):
    help = (
        "Prepares the vault: engine, token role, platform policy, master key, and each organization's policy. "
        "May be repeated. Needs an administrator's VAULT_TOKEN the first time, and the platform's own from then on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--approle",
            action="store_true",
            help="also make a sign-in for the platform, and print VAULT_ROLE_ID and a new VAULT_SECRET_ID; "
            "needs an administrator's token",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for sentence in prepare_vault():
                self.stdout.write(f"Prepared: {sentence}.")
            organizations = all_organizations()
            for organization in organizations:
                prepare_organization(organization)
            sign_in = platform_sign_in() if options["approle"] else None
        except WorkflowException as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"The vault is prepared, with the policies of {len(organizations)} organizations.")
        if sign_in is not None:
            self.stdout.write(f"VAULT_ROLE_ID={sign_in[0]}\nVAULT_SECRET_ID={sign_in[1]}")
