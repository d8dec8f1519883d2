from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bifrost.sdk.errors import WorkflowException
from integrations.management.organizations import named_organization
from integrations.secret_defaults import delete_default, write_default
from integrations.secret_places import MSP_DEFAULTS, Place, tag_place
from integrations.secrets import delete_secret, write_secret
from orgs.records import OrganizationRecord


class Command(BaseCommand):
    help = (
        "Sets one secret in the vault. The value is read from standard input (without the line end after it), or asked "
        'for without being shown. Example: printf %s "$KEY" | manage.py set_secret --org acme halopsa_api_key'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the secret's name, as a workflow asks for it with context.get_secret(name)")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--org", metavar="ORG_ID", help="the organization whose secret it is")
        whose.add_argument("--tag", help="a default for all organizations with this tag")
        whose.add_argument("--msp-default", action="store_true", help="the MSP's default for all organizations")
        parser.add_argument("--delete", action="store_true", help="remove it with all its versions; reads no value")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        try:
            whose, name_of_it = self._whose(options)
            if options["delete"]:
                if not _deleted(whose, name):
                    raise CommandError(f"There is no secret {name!r} of {name_of_it}.")
                self.stdout.write(f"Deleted the secret {name} of {name_of_it}.")
            else:
                _set(whose, name, self._value())
                self.stdout.write(f"Set the secret {name} of {name_of_it}.")
        except WorkflowException as error:
            raise CommandError(error.message) from error

    def _whose(self, options: dict[str, Any]) -> tuple[OrganizationRecord | Place, str]:
        if options["org"]:
            return named_organization(options["org"]), f"the organization {options['org']}"
        if options["tag"]:
            return tag_place(options["tag"]), f"the tag {options['tag']}"
        return MSP_DEFAULTS, "the MSP's defaults"

    def _value(self) -> str:
        if sys.stdin.isatty():
            return getpass("Value: ")
        try:
            return sys.stdin.read().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise CommandError("The value on standard input is not UTF-8 text.") from None


def _set(whose: OrganizationRecord | Place, name: str, value: str) -> None:
    if isinstance(whose, Place):
        write_default(whose, name, value)
    else:
        write_secret(whose, name, value)


def _deleted(whose: OrganizationRecord | Place, name: str) -> bool:
    return delete_default(whose, name) if isinstance(whose, Place) else delete_secret(whose, name)
