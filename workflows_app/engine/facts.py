"""What an execution is, and where in its life a process goes on with it."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where in its life an execution goes on in this process: the claim's epoch, the journal's last number, what its
    inbox has had, and running time so far."""

    epoch: int = 1
    seq: int = 1
    inbox: int = 0
    spent_ms: int = 0


FIRST_STRETCH = Stretch()
