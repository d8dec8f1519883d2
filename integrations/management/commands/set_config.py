from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bifrost.sdk.errors import WorkflowException
from integrations.config_values import parse
from integrations.configs import delete_config, set_config
from integrations.management.organizations import named_organization
from integrations.models import Config


class Command(BaseCommand):
    help = (
        "Sets one config of an organization; one of the MSP's own organization is the default for all others. "
        "Example: manage.py set_config --org acme request_timeout 30 --type int"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the config's key, as a workflow asks for it with context.get_config(key)")
        parser.add_argument("value", nargs="?", help="the value; for --type secret the name of a secret in the vault")
        parser.add_argument("--org", metavar="ORG_ID", required=True, help="the organization whose config it is")
        parser.add_argument("--type", choices=Config.Type.values, default="string", help="default: string")
        parser.add_argument("--delete", action="store_true", help="remove it; takes no value")

    def handle(self, *args: Any, **options: Any) -> None:
        organization, key, value = named_organization(options["org"]), options["key"], options["value"]
        if options["delete"] == (value is not None):
            raise CommandError("Give either a value or --delete.")
        if options["delete"]:
            if not delete_config(organization, key):
                raise CommandError(f"The organization {organization.org_id} has no config {key!r} of its own.")
            self.stdout.write(f"Deleted the config {key} of the organization {organization.org_id}.")
            return
        try:
            set_config(organization, key, parse(value, options["type"]), options["type"])
        except WorkflowException as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Set the config {key} of the organization {organization.org_id}.")
