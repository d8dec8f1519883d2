"""Due schedules on their way through a tick, and what is told of them afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows_app.dispatch.schedules import Advance, Due
from workflows_app.schedules import statements
from workflows_app.schedules.deciding import SKIPPED, STARTED, Decision

WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Report:
    """What the tick did about one planned time: started, skipped, or waiting to be tried again."""

    org_id: str
    workflow: str
    planned_at: datetime
    outcome: str
    reason: str = ""
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """All that one look at the clock did."""

    at: datetime
    reports: tuple[Report, ...]

    @property
    def started(self) -> int:
        return self._count(STARTED)

    @property
    def skipped(self) -> int:
        return self._count(SKIPPED)

    @property
    def waiting(self) -> int:
        return self._count(WAITING)

    def _count(self, outcome: str) -> int:
        return sum(report.outcome == outcome for report in self.reports)


@dataclass(slots=True)
class Case:
    """A due schedule on its way through a tick. `open`: planned times whose execution is still to be started."""

    due: Due
    decision: Decision
    open: list[datetime]
    parameters: dict[str, Any]
    unfinished: dict[str, datetime]
    reports: list[Report]
    problem: str = ""
    stays: bool = False
    next_run: datetime | None = None

    def report(self, planned_at: datetime, outcome: str, reason: str = "", execution_id: str | None = None) -> None:
        org_id, workflow = self.due.organization.org_id, self.due.workflow
        self.reports.append(Report(org_id, workflow, planned_at, outcome, reason, execution_id))

    def stay(self, reason: str) -> None:
        """It stays due as it is; the next tick looks again."""
        self.problem, self.stays = reason, True
        self.report(self.due.planned_at, WAITING, reason)

    @property
    def schema(self) -> str:
        return self.due.organization.schema_name

    def settling(
        self, planned_at: datetime, outcome: str, reason: str = "", execution_id: str | None = None
    ) -> statements.Statement:
        """The statement that writes what came of a start."""
        values = {
            "workflow": self.due.workflow,
            "planned_at": planned_at,
            "outcome": outcome,
            "reason": reason[:500],
            "execution": execution_id,
        }
        return statements.settle(self.schema), values

    def advance(self) -> Advance:
        """What becomes of the schedule's row."""
        return Advance(
            schedule=self.due.schedule,
            next_run=self.due.planned_at if self.stays else self.next_run,
            last_run=None if self.stays else self.decision.latest,
            problem=self.problem,
            waiting=self.decision.waiting or (self.stays and self.due.waiting),
            unfinished=self.unfinished,
        )


def case_of(due: Due, decision: Decision) -> Case:
    """The schedule at the beginning of its way."""
    case = Case(due, decision, [], {}, dict(due.unfinished), [], decision.problem, next_run=decision.next_run)
    if decision.waiting:
        case.report(due.planned_at, WAITING, decision.problem)
    return case
