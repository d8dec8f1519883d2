"""`manage.py send_signal`: a signal to an execution that waits for one, or will."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from bifrost.sdk.documents import decode
from workflows_app import sending
from workflows_app.command_line import actor_for, organization_named
from workflows_app.errors import Refused


class Command(BaseCommand):
    help = "Send a signal to an execution. It is kept until the execution waits for a signal of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("execution", type=UUID, metavar="EXECUTION_ID")
        parser.add_argument("name", help="the name that the workflow waits for")
        parser.add_argument("body", nargs="?", default="null", help="any JSON value; without one it is null")
        parser.add_argument("--org", required=True, metavar="ORG_ID", help="the organization of the execution")
        parser.add_argument("--as", dest="email", metavar="EMAIL", help="send it in this person's name")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = organization_named(options["org"], required=True)
        try:
            body = decode(options["body"])
        except ValueError as error:
            raise CommandError(f"The body is not JSON: {error}. A text needs its quotes.", returncode=2) from None
        actor = actor_for(options["email"], organization)
        try:
            status = sending.signal(organization, options["execution"], options["name"], body, actor)
        except Refused as refused:
            raise CommandError(refused.message) from None
        self.stdout.write(json.dumps({"executionId": str(options["execution"]), "status": status}))
