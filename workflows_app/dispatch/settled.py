"""What the MSP has settled about workflows in organizations: enabled or not, and limits. Kept for two seconds."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from django.db.models import Q

from orgs.tenancy import shared_context
from workflows_app.dispatch.models import WorkflowSetting

KEPT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds for one workflow in one organization. `limited`: it or its organization has a limit."""

    enabled: bool = True
    limited: bool = False
    rates: tuple[tuple[str, int], ...] = ()  # (workflow or "", starts per minute)


class _Kept:
    """All settings: there are few, since most organizations and workflows have none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[UUID, str], WorkflowSetting] = {}
        self._until = 0.0

    def rows(self) -> dict[tuple[UUID, str], WorkflowSetting]:
        with self._lock:
            if self._until <= monotonic():
                self._rows = self._read()
                self._until = monotonic() + KEPT_SECONDS
            return self._rows

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0

    def _read(self) -> dict[tuple[UUID, str], WorkflowSetting]:
        limited = Q(max_concurrent__isnull=False) | Q(starts_per_minute__isnull=False)
        with shared_context():
            rows = WorkflowSetting.objects.filter(Q(enabled=False) | limited).defer("recent_starts")
            return {(row.organization, row.workflow): row for row in rows}


_kept = _Kept()


def settings_for(organization: UUID, workflow: str) -> Settled:
    """What holds for the workflow there. A disabled organization disables each of its workflows."""
    rows = _kept.rows()
    if not rows:
        return Settled()
    found = [row for name in ("", workflow) if (row := rows.get((organization, name)))]
    return Settled(
        enabled=all(row.enabled for row in found),
        limited=any(row.max_concurrent is not None or row.starts_per_minute is not None for row in found),
        rates=tuple((row.workflow, row.starts_per_minute) for row in found if row.starts_per_minute is not None),
    )


def any_limits() -> bool:
    """Whether any organization has a limit at all."""
    return any(row.max_concurrent is not None or row.starts_per_minute is not None for row in _kept.rows().values())


def forget() -> None:
    """Everything is read anew, in this process."""
    _kept.forget()
