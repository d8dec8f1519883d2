"""Makes forms, or past requests that are copies of one, in an organization."""

from __future__ import annotations

import argparse
import os
from copy import copy
from typing import TYPE_CHECKING
from uuid import UUID

import django
from uuid6 import uuid7

if TYPE_CHECKING:
    from orgs.records import OrganizationRecord

WORKFLOW = "book_desk"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("organization")
    parser.add_argument("count", type=int)
    parser.add_argument("--like", type=UUID, help="the execution of the request that is copied; without it, forms")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bifrost.settings")
    django.setup()
    from orgs import directory
    from orgs.tenancy import shared_context

    with shared_context():
        organization = directory.organization_by_org_id(options.organization)
    assert organization is not None
    if options.like:
        _copy_request(organization, options.like, options.count)
    else:
        _make_forms(organization, options.count)


def _make_forms(organization: OrganizationRecord, count: int) -> None:
    from forms_app import versions
    from orgs.records import COMMAND_LINE

    for number in range(count):
        form = versions.create(organization, COMMAND_LINE, WORKFLOW, slug=f"desk-{number}", name=f"Desk {number}")
        versions.publish(organization, form, COMMAND_LINE)


def _copy_request(organization: OrganizationRecord, execution: UUID, count: int) -> None:
    from forms_app.models import Submission
    from orgs.tenancy import org_context
    from workflows_app.models import Execution

    executions, submissions = [], []
    with org_context(organization):
        request = Execution.objects.get(id=execution)
        submission = Submission.objects.get(execution=execution)
        for _ in range(count):
            run, submitted = copy(request), copy(submission)
            run.id, run.idempotency_key = uuid7(), None
            submitted.id, submitted.execution = uuid7(), run.id
            executions.append(run)
            submissions.append(submitted)
        Execution.objects.bulk_create(executions, batch_size=1_000)
        Submission.objects.bulk_create(submissions, batch_size=1_000)


if __name__ == "__main__":
    main()
