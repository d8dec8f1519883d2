from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgs import directory
from orgs.permissions import EXECUTE_WORKFLOWS, KNOWN_PERMISSIONS, VIEW_EXECUTIONS, role_permissions
from orgs.records import OrganizationRecord
from orgs.tokens import issue_token

DEFAULT_PERMISSIONS = (EXECUTE_WORKFLOWS, VIEW_EXECUTIONS)


class Command(BaseCommand):
    help = (
        "Creates an API token for an organization, or for the MSP with --msp, and prints it, alone, on standard "
        "output. It is not kept and cannot be shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("org_id", nargs="?", help="The organization whose token it is.")
        whose.add_argument("--msp", action="store_true", help="A token of the MSP: a request names its organization.")
        parser.add_argument("--name", default="token", help="What it is for, as people see it in executions.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--permission",
            action="append",
            metavar="NAME",
            help=f"What it may do; may be repeated (default: {', '.join(DEFAULT_PERMISSIONS)}).",
        )
        what.add_argument("--role", help="What a member with this role may do.")
        parser.add_argument("--expires-in-days", type=int, metavar="N", help="It ends by itself (default: never).")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = self._organization(options)
        permissions = self._permissions(organization, options)
        days = options["expires_in_days"]
        expires_at = timezone.now() + timedelta(days=days) if days is not None else None
        try:
            issued = issue_token(
                organization, options["name"], permissions, expires_at=expires_at, created_by="manage.py create_token"
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(issued.plain)

    def _organization(self, options: dict[str, Any]) -> OrganizationRecord:
        found = directory.msp() if options["msp"] else directory.organization_by_org_id(options["org_id"])
        if found is None and options["msp"]:
            raise CommandError("The MSP has no organization yet: manage.py create_org msp --msp.")
        if found is None:
            raise CommandError(f"There is no organization {options['org_id']}.")
        return found

    def _permissions(self, organization: OrganizationRecord, options: dict[str, Any]) -> list[str]:
        if role := options["role"]:
            granted = role_permissions(role, msp=organization.is_msp)
            if not granted:
                raise CommandError(f"There is no role {role} in {organization.org_id}.")
            return sorted(granted)
        permissions = list(options["permission"] or DEFAULT_PERMISSIONS)
        for permission in permissions:
            if permission not in KNOWN_PERMISSIONS:
                self.stderr.write(
                    f"Note: {permission} is no permission of Bifrost's own; only a workflow can ask for it."
                )
        return permissions
