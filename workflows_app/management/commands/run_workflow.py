"""Runs a workflow for an organization from the command line."""

from __future__ import annotations

import json
import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bifrost.sdk.errors import WorkflowException
from workflows_app import catalog
from workflows_app.command_line import actor_for, organization_named
from workflows_app.engine import process
from workflows_app.errors import Refused, UnknownWorkflow
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import TERMINAL, Status
from workflows_app.narrating import Narrator

GOOD = {Status.SUCCESS, Status.COMPLETED_WITH_ERRORS}


class Command(BaseCommand):
    help = "Run a workflow for an organization: its log on standard error, its result as JSON on standard output."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = "examples:\n  manage.py run_workflow my_first_workflow --org acme -p message='Hello World'\n"
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=epilog, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the workflow's name, as `manage.py workflows` lists it")
        parser.add_argument(
            "--org", metavar="ORG_ID", help="the organization; the MSP's own where the workflow needs none"
        )
        parser.add_argument(
            "-p",
            "--parameter",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="a parameter as text; repeatable",
        )
        parser.add_argument(
            "--json", metavar="DOC|@FILE", help="the parameters as a JSON object, or @file that holds one"
        )
        parser.add_argument(
            "--as", dest="email", metavar="EMAIL", help="run as this person, with that person's permissions"
        )
        parser.add_argument("--dry-run", action="store_true", help="only read; say what would be changed")
        parser.add_argument("--background", action="store_true", help="queue it for a worker and return at once")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = self._run(options)
        except UnknownWorkflow as error:
            raise CommandError(error.message, returncode=2) from error
        except Refused as error:
            raise CommandError(f"{error.error}: {error.message}", returncode=1) from error
        except WorkflowException as error:
            raise CommandError(_described(error), returncode=2) from error
        finally:
            process.stop()
        self._report(outcome, "Dry run: " if options["dry_run"] else "")

    def _run(self, options: dict[str, Any]) -> Outcome:
        loaded = catalog.find(options["name"])
        organization = organization_named(options["org"], required=loaded.spec.requires_org)
        texts = _pairs(options["parameter"])
        parameters = _document(options["json"]) | loaded.spec.parse_text(texts)
        actor = actor_for(options["email"], organization)
        background = options["background"]
        start = Start(
            organization=organization,
            workflow=options["name"],
            parameters=parameters,
            actor=actor,
            trigger={"type": "command", **({"dryRun": True} if options["dry_run"] else {})},
            background=background,
            foreground=not background,
        )
        narrator = Narrator(self.stderr)
        process.configure("command", listener=narrator.tell)
        try:
            return submit(start)
        finally:
            narrator.end()

    def _report(self, outcome: Outcome, dry: str) -> None:
        if outcome.status not in TERMINAL:
            self.stderr.write(f"{outcome.status}: a worker goes on with execution {outcome.execution_id}.")
            self.stdout.write(json.dumps({"executionId": outcome.execution_id, "status": outcome.status}, indent=2))
            return
        summary = f"{dry}{outcome.status} in {outcome.duration_ms} ms, execution {outcome.execution_id}"
        if outcome.status in GOOD:
            self.stderr.write(summary, self.style.SUCCESS)
            self.stdout.write(json.dumps(outcome.result, indent=2, ensure_ascii=False))
            return
        error = outcome.error or {}
        self.stderr.write(f"{summary}\n{error.get('error')}: {error.get('message')}", self.style.ERROR)
        if error.get("details"):
            self.stderr.write(json.dumps(error["details"], indent=2, ensure_ascii=False), self.style.ERROR)
        sys.exit(1)


def _pairs(items: list[str]) -> dict[str, str]:
    pairs = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise CommandError(f"-p takes KEY=VALUE, not {item!r}.", returncode=2)
        pairs[key] = value
    return pairs


def _document(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        document = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise CommandError(f"--json: {error}", returncode=2) from error
    if not isinstance(document, dict):
        raise CommandError("--json takes a JSON object.", returncode=2)
    return document


def _described(error: WorkflowException) -> str:
    lines = [f"{error.error_type}: {error.message}"]
    lines += [f"  {entry['field']}: {entry['message']}" for entry in error.details.get("errors", [])]
    return "\n".join(lines)
