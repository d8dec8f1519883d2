from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs.errors import InvalidOrganization, OrganizationExists
from orgs.provisioning import create_organization


class Command(BaseCommand):
    help = "Creates an organization with a schema of its own. One that was left half made is finished."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "org_id", help="Its name in URLs and headers: lower-case letters, digits, hyphens. For good."
        )
        parser.add_argument("--name", default="", help="Its name for people (default: the org_id).")
        parser.add_argument("--msp", action="store_true", help="It is the MSP's own; its members are the staff.")
        parser.add_argument(
            "--domain", action="append", default=[], metavar="HOST", help="A host name; may be repeated."
        )
        parser.add_argument("--tenant-id", default="", help="Its Microsoft 365 tenant.")
        parser.add_argument("--timezone", default="UTC", help="Such as Europe/Berlin (default: UTC).")
        parser.add_argument("--tag", action="append", default=[], help="A tag; may be repeated.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = create_organization(
                options["org_id"],
                options["name"] or options["org_id"],
                tenant_id=options["tenant_id"],
                msp=options["msp"],
                timezone=options["timezone"],
                tags=options["tag"],
                domains=options["domain"],
            )
        except (InvalidOrganization, OrganizationExists) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Created {made.org_id} ({made.name}).")
