"""Sends the signal `go` to suspended executions from a process of its own, by `workflows_app.sending.signal`."""

from __future__ import annotations

import os
from uuid import UUID

import django

from bench import submitting


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bifrost.settings")
    django.setup()
    # After the setup of Django, which they need.
    from orgs import directory
    from orgs.permissions import EVERYTHING
    from orgs.records import Actor
    from orgs.tenancy import org_context, shared_context
    from workflows_app import sending
    from workflows_app.engine import process
    from workflows_app.models import Execution, Status

    parser = submitting.arguments()
    parser.add_argument("--workflow", required=True)
    parser.add_argument("--organization", required=True)
    options = parser.parse_args()
    actor = Actor("command", "bench", "", "bin/bench", frozenset({EVERYTHING}))
    with shared_context():
        organization = directory.organization_by_org_id(options.organization)
    assert organization is not None
    with org_context(organization):
        waiting = Execution.objects.filter(workflow=options.workflow, status=Status.SUSPENDED)
        ids: list[UUID] = list(waiting.order_by("id").values_list("id", flat=True)[: options.count])

    def signal(number: int) -> str:
        sending.signal(organization, ids[number], "go", number, actor)
        return str(ids[number])

    process.configure("command")
    try:
        submitting.serve(options, signal, lambda execution: True)
    finally:
        process.stop(grace=0)


if __name__ == "__main__":
    main()
