"""Submits executions from a process of its own by `workflows_app.executions.submit`, as the platform's doors do."""

from __future__ import annotations

import json
import os

import django

from bench import submitting


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bifrost.settings")
    django.setup()
    # After the setup of Django, which they need.
    from django.db import connection

    from orgs import directory
    from orgs.permissions import EVERYTHING
    from orgs.records import Actor
    from orgs.tenancy import shared_context
    from workflows_app.engine import process
    from workflows_app.executions import Start, submit

    parser = submitting.arguments()
    parser.add_argument("--workflow", required=True)
    parser.add_argument("--organization", action="append", required=True)
    parser.add_argument(
        "--parameters", type=json.loads, help="as JSON; a message with the task's number where not given"
    )
    options = parser.parse_args()
    actor = Actor("command", "bench", "", "bin/bench", frozenset({EVERYTHING}))
    with shared_context():
        records = [directory.organization_by_org_id(org_id) for org_id in options.organization]
    organizations = [record for record in records if record is not None]

    def enqueue(number: int) -> str:
        organization = organizations[number % len(organizations)]
        parameters = options.parameters or {"message": f"Hello {number}"}
        return submit(Start(organization, options.workflow, parameters, actor, background=True)).execution_id

    def finished(execution: str) -> bool:
        with shared_context(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM dispatch_fleet WHERE execution = %s", [execution])
            return cursor.fetchone() is not None

    process.configure("command")
    try:
        submitting.serve(options, enqueue, finished)
    finally:
        process.stop(grace=0)


if __name__ == "__main__":
    main()
