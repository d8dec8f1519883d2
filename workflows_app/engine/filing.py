"""What a run's context asks about files."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from bifrost.sdk.errors import ValidationError, WorkflowException
from bifrost.sdk.steps import step_info
from workflows_app.engine.protection import ask
from workflows_app.errors import Refused, UnknownFile
from workflows_app.files import storing
from workflows_app.files.checking import check

if TYPE_CHECKING:
    from workflows_app.engine.run import Run


class Filing:
    """The part of a run, and of the SDK's host, that is about files."""

    async def save_file(self, name: str, content_type: str | None, content: bytes) -> dict[str, Any]:
        """Keeps the file with the run, once for the step and its content. Its name is shown, so it holds no secret that
        the run has read."""
        run = self._run
        run.check()
        facts, key = run.facts, step_info().idempotency_key
        shown = str(run.scrubber.scrub(name))
        try:
            # A virus scan may take its time, which the few threads of the database do not have.
            checked = await asyncio.to_thread(check, shown, content_type, content)
        except Refused as refused:
            raise WorkflowException(refused.message, error_type=refused.error) from refused
        once = f"{facts.id}:{key}:{checked.name}:{storing.digest_of(content)}"
        store = partial(storing.store_for_run, facts.organization, facts.id, facts.actor, checked, content, once)
        return await ask(run, store)

    async def read_file(self, file_id: str) -> bytes:
        """The content of a file that the run may read."""
        run = self._run
        run.check()
        facts = run.facts
        try:
            return await ask(
                run, partial(storing.read_for_run, facts.organization, UUID(file_id), facts.actor, facts.id)
            )
        except UnknownFile as unknown:
            raise ValidationError(unknown.message, field="file", details={"fileId": file_id}) from unknown

    @property
    def _run(self) -> Run:
        return cast("Run", self)
