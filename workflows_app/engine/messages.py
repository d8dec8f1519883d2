"""What runs send to other executions: each message from within a step, and delivered once however often that runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError

from bifrost.sdk.errors import WorkflowException
from workflows_app import sending
from workflows_app.errors import HasEnded, Refused, UnknownExecution
from workflows_app.models import Execution
from workflows_app.permissions import managed_filter

if TYPE_CHECKING:
    from workflows_app.engine.facts import Facts
    from workflows_app.engine.platform import Asking


def signal(asking: Asking, data: Mapping[str, Any]) -> None:
    """Sends a signal to a child of the run, or to another execution that its caller may manage."""
    facts, execution = asking.facts, _execution(data)
    is_child = _is_child(facts, execution)
    if facts.dry_run and not is_child:
        raise WorkflowException("A dry run sends no signal to executions that are not its own.", error_type="DryRun")
    owner = None if is_child else managed_filter(facts.actor)
    try:
        with suppress(IntegrityError):  # the same step has sent it in this very moment
            sending.signal(
                facts.organization, execution, data["name"], data["body"], facts.actor, owner, _key(asking, data)
            )
    except Refused as refused:
        raise WorkflowException(refused.message, error_type=refused.error, details=refused.details) from refused


def cancel(asking: Asking, data: Mapping[str, Any]) -> None:
    """Asks for the end of a child of the run; one that has ended already stays as it is."""
    facts, execution = asking.facts, _execution(data)
    if not _is_child(facts, execution):
        raise WorkflowException("There is no such child.", error_type=UnknownExecution.error)
    with suppress(IntegrityError, HasEnded):
        sending.cancel(facts.organization, execution, sending.PARENT, key=_key(asking, data))


def _execution(data: Mapping[str, Any]) -> UUID:
    try:
        return UUID(data["execution"])
    except ValueError as error:
        raise WorkflowException(sending.NO_EXECUTION, error_type=UnknownExecution.error) from error


def _is_child(facts: Facts, execution: UUID) -> bool:
    return Execution.objects.filter(id=execution, parent=facts.id).exists()


def _key(asking: Asking, data: Mapping[str, Any]) -> str:
    """Of the step, and of what it sends: the step of another attempt may send something else."""
    text = json.dumps([asking.key, dict(data)], sort_keys=True)
    return f"{asking.facts.id}:{hashlib.sha256(text.encode()).hexdigest()}"
