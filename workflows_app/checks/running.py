"""Runs the checks of a workflow for somebody who is about to start it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bifrost.sdk.errors import ValidationError
from orgs.records import Actor, OrganizationRecord
from workflows_app.catalog import LoadedWorkflow
from workflows_app.checks.session import Session

BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has to say. `level`: block, warn or inform; `check`: its name."""

    level: str
    message: str
    check: str


def run_checks(
    organization: OrganizationRecord, loaded_workflow: LoadedWorkflow, values: Mapping[str, Any], actor: Actor
) -> list[Finding]:
    """What the checks say of these values, in the order in which they were declared; nothing of those that are content.

    One that fails, or does not answer in time, is a finding that blocks. Blocks the calling thread, which answers what
    the checks ask for; call outside `org_context`. Raises ValidationError for values that the workflow does not take,
    and PlatformUnavailable where too many are under way.
    """
    spec = loaded_workflow.spec
    if not spec.checks:
        return []
    arguments = spec.arguments(spec.validate(values))
    session = Session(organization, actor, loaded_workflow)
    found = []
    for check, answer in zip(spec.checks, session.answers(arguments), strict=True):
        if answer.failed:
            found.append(Finding(BLOCK, answer.message, check.name))
        elif answer.message:
            found.append(Finding(check.level, answer.message, check.name))
    return found


def require_none_blocks(findings: Sequence[Finding]) -> None:
    """Raises ValidationError where one of them blocks; its details hold all of them."""
    blocking = [finding.message for finding in findings if finding.level == BLOCK]
    if blocking:
        errors = [{"field": None, "message": message} for message in blocking]
        details = {"errors": errors, "checks": [asdict(finding) for finding in findings]}
        raise ValidationError(" ".join(blocking), details=details)
