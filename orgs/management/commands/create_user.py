from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from orgs import audit, directory
from orgs.models import Membership, User
from orgs.records import COMMAND_LINE
from orgs.tenancy import shared_context


class Command(BaseCommand):
    help = (
        "Creates a person who signs in by email, with the password read from standard input, as a member of an "
        "organization. Somebody who exists keeps the password and gets the membership. "
        "Members of the MSP are its staff."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="The person's name.")
        parser.add_argument("--org", metavar="ORG_ID", help="The organization.")
        parser.add_argument(
            "--role", help="owner, admin, operator, requester, viewer; in the MSP owner, admin, technician, auditor."
        )
        parser.add_argument(
            "--all-organizations", action="store_true", help="MSP staff: every customer, also future ones."
        )
        parser.add_argument("--superuser", action="store_true", help="May do everything everywhere.")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["org"]) != bool(options["role"]):
            raise CommandError("--org and --role belong together.")
        try:
            with shared_context(), transaction.atomic():
                user = self._user(options)
                if options["org"]:
                    self._join(user, options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        directory.forget()
        self.stdout.write(f"{user.email} can sign in.")

    def _user(self, options: dict[str, Any]) -> User:
        email = options["email"].strip().lower()
        if found := User.objects.filter(email=email).first():
            return found
        user = User(email=email, name=options["name"], is_superuser=options["superuser"])
        if sys.stdin.isatty():
            self.stderr.write("Password: ", ending="")
        password = sys.stdin.readline().rstrip("\r\n")
        validate_password(password, user)
        user.set_password(password)
        user.full_clean()
        user.save()
        audit.record(COMMAND_LINE, "user.create", target=f"user:{user.id}", metadata={"email": user.email})
        return user

    def _join(self, user: User, options: dict[str, Any]) -> None:
        organization = directory.organization_by_org_id(options["org"])
        if organization is None:
            raise CommandError(f"There is no organization {options['org']}.")
        membership = Membership.objects.filter(user=user, organization_id=organization.id).first()
        membership = membership or Membership(user=user, organization_id=organization.id)
        membership.role = options["role"]
        membership.all_organizations = options["all_organizations"]
        membership.full_clean()
        done = "membership.create" if membership._state.adding else "membership.change"
        membership.save()
        audit.record(
            COMMAND_LINE,
            done,
            organization=organization,
            target=f"membership:{membership.id}",
            metadata={"user": user.email, "role": membership.role},
        )
