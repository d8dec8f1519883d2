"""`manage.py dispatch_due`: one tick of the schedules by hand."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workflows_app.schedules import Report, Tick, dispatch_due
from workflows_app.serializers import timestamp


class Command(BaseCommand):
    help = (
        "Look at the clock once for all organizations: start every schedule that is due, and record what is skipped. "
        "The platform does the same each minute by itself. It does no harm at the same time or twice: each planned "
        "time starts one execution."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        tick = dispatch_due()
        if options["json"]:
            self.stdout.write(json.dumps(document(tick), indent=2, ensure_ascii=False))
            return
        for report in tick.reports:
            self.stdout.write(line(report))
        self.stdout.write(
            f"At {timestamp(tick.at)}: {tick.started} started, {tick.skipped} skipped, {tick.waiting} waiting."
        )


def line(report: Report) -> str:
    """What became of one planned time, for a person."""
    what = report.execution_id if report.execution_id else report.reason
    return f"{report.org_id}  {report.workflow}  {timestamp(report.planned_at)}  {report.outcome}  {what}".rstrip()


def document(tick: Tick) -> dict[str, Any]:
    """The tick as JSON, in the words of the API."""
    counts = {"at": timestamp(tick.at), "started": tick.started, "skipped": tick.skipped, "waiting": tick.waiting}
    return {**counts, "reports": [_report(report) for report in tick.reports]}


def _report(report: Report) -> dict[str, Any]:
    return {
        "organization": report.org_id,
        "workflow": report.workflow,
        "plannedAt": timestamp(report.planned_at),
        "outcome": report.outcome,
        "reason": report.reason or None,
        "executionId": report.execution_id,
    }
