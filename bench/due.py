"""Makes many organizations with a schedule each and times the tick at which all of them are due. Prints one JSON line.

Each round looks at the clock one day later than the one before, so that every schedule is due exactly once.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import django

WORKFLOW = "at_midnight"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("organizations", type=int)
    parser.add_argument("rounds", type=int)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bifrost.settings")
    django.setup()
    from workflows_app.engine import process
    from workflows_app.schedules import dispatch_due

    process.configure("command")
    prepare(options.organizations)
    # Nothing is due yet; this one finds out when each schedule will be.
    dispatch_due()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = range(1, options.rounds + 1)
    print(json.dumps([tick(midnight + timedelta(days=day, seconds=30)) for day in days]))
    process.stop(grace=0)


def prepare(organizations: int) -> None:
    """The organizations, and a schedule of the same workflow in each."""
    from orgs.provisioning import create_organization
    from orgs.tenancy import shared_context
    from workflows_app.dispatch.models import Overlap, Schedule

    made = [create_organization(f"due-{number}", f"Due {number}") for number in range(organizations)]
    with shared_context():
        # No worker runs, so none of the rounds' executions ends.
        Schedule.objects.bulk_create(
            Schedule(organization=record.id, workflow=WORKFLOW, overlap=Overlap.PARALLEL) for record in made
        )


def tick(now: datetime) -> dict[str, Any]:
    """One tick: how many it started, its seconds, and Django's statements (those that write executions go past it)."""
    from django.db import connection

    from orgs.tenancy import shared_context
    from workflows_app.schedules import dispatch_due

    statements = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    with shared_context(), connection.execute_wrapper(count):
        began = time.perf_counter()
        done = dispatch_due(now)
        seconds = time.perf_counter() - began
    return {"started": done.started, "seconds": seconds, "statements": statements}


if __name__ == "__main__":
    main()
