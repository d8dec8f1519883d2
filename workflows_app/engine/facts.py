"""What an execution is, and where in its life a process goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orgs.records import Actor, OrganizationRecord
from workflows_app.catalog import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class Facts:
    """What an execution is, fixed from its start to its end."""

    id: UUID
    organization: OrganizationRecord
    loaded: LoadedWorkflow
    parameters: dict[str, Any]
    actor: Actor
    trigger: dict[str, Any]
    parent: UUID | None = None
    depth: int = 0
    attempt: int = 1

    @property
    def dry_run(self) -> bool:
        """Whether it only reads: its children inherit that, and who starts it again."""
        return self.trigger.get("dryRun") is True

    @property
    def by_form(self) -> bool:
        """Whether a form started it, or the one whose child it is: its children need no more permission than it."""
        return by_form(self.trigger)


def by_form(trigger: Mapping[str, Any]) -> bool:
    """Whether this is the trigger of a form, or of what such a run has started."""
    return trigger.get("type") == "form" or trigger.get("byForm") is True


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where in its life an execution goes on in this process: the claim's epoch, the journal's last number, what its
    inbox has had, and running time so far. `not_before`: it was awoken before its next attempt is due."""

    epoch: int = 1
    seq: int = 1
    inbox: int = 0
    spent_ms: int = 0
    not_before: datetime | None = None


FIRST_STRETCH = Stretch()
