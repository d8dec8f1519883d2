"""What a schedule gives its workflow, on a page: the workflow's parameters as fields, with the values that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from bifrost.sdk.sanitizing import REDACTED
from bifrost.sdk.specs import WorkflowSpec
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.amending import Changed, Changes, Page
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fitting import to_read
from workflows_app.inputs.from_parameters import asked_of
from workflows_app.inputs.rendering import Asked
from workflows_app.schedules.enabling import obstacle, scheduled
from workflows_app.timeline import compact

# Pages of the staff tell all times by this clock.
ZONE = ZoneInfo("UTC")
NOT_SHOWN = "(not shown)"


@dataclass(frozen=True)
class Given:
    """`kept`: by the parameters' names, redacted. An upload goes after a day, so a file is not asked for."""

    page: Page
    workflow: str
    kept: Mapping[str, JSON]

    @cached_property
    def spec(self) -> WorkflowSpec | None:
        """None where the workflow does not run by the clock any more, or is not there."""
        loaded = scheduled().get(self.workflow)
        return loaded.spec if loaded else None

    @cached_property
    def obstacle(self) -> str:
        """Why nothing can be asked."""
        return obstacle(self.workflow) if self.spec is None else ""

    @cached_property
    def definition(self) -> Definition:
        return Definition(()) if self.spec is None else asked_of(self.spec)

    @cached_property
    def changes(self) -> Changes:
        known = [field.name for field in self.definition.fields if field.kind != "file"]
        return Changes.of(self.page, self.definition, self.kept, known)

    def to_read(self) -> Asked:
        """For those who change nothing."""
        fields = tuple(field for field in self.definition.fields if field.kind != "file")
        return Asked(to_read(Definition(fields), self.kept), zone=self.page.zone)

    @property
    def files(self) -> list[str]:
        """The labels of the parameters that no schedule can give."""
        return [field.label for field in self.definition.fields if field.kind == "file"]

    @property
    def description(self) -> str:
        return self.spec.description if self.spec else ""

    @property
    def unasked(self) -> list[tuple[str, str]]:
        """What is kept and the workflow does not take: names and values."""
        taken = {field.name for field in self.definition.fields}
        return [(name, _readable(value)) for name, value in self.kept.items() if name not in taken]

    def changed_by(self, changed: Changed) -> dict[str, Any]:
        """The parameters as the page wants them: what the workflow does not take is left out."""
        taken = {field.name for field in self.definition.fields} - changed.left_out
        return {name: value for name, value in {**self.kept, **changed.values}.items() if name in taken}


def _readable(value: JSON) -> str:
    return NOT_SHOWN if value == REDACTED else compact(value)
