from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bifrost.sdk.errors import WorkflowException
from integrations.queries import all_organizations
from integrations.secrets import prepare_organization
from integrations.vault_setup import prepare_vault


class Command(BaseCommand):
    help = (
        "Prepares the vault: engine, token role, platform policy, master key, and each organization's policy. "
        "May be repeated. Needs an administrator's VAULT_TOKEN the first time, and the platform's own from then on."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for sentence in prepare_vault():
                self.stdout.write(f"Prepared: {sentence}.")
            organizations = all_organizations()
            for organization in organizations:
                prepare_organization(organization)
        except WorkflowException as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"The vault is prepared, with the policies of {len(organizations)} organizations.")
