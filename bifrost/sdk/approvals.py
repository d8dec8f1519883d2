"""Asking a person in the middle of a run.

decision = await context.wait_for_approval("Pay the invoice", {"amount": 250}, timeout=timedelta(days=2), default=None)
if decision:                                      # None, or rejected: False
    await pay(decision.values["amount"])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.errors import TimeoutError
from bifrost.sdk.plain_calls import PlainCalls
from bifrost.sdk.questions import Decision

__all__ = ["AsksForApproval", "Decision"]


class AsksForApproval(PlainCalls):
    """What the context of an `async def` workflow offers."""

    async def wait_for_approval(
        self,
        title: str,
        form: Mapping[str, Any] | None = None,
        approvers: str | Iterable[str] | None = None,
        timeout: float | timedelta | None = None,
        default: Any = MISSING,
        message: str = "",
    ) -> Any:
        """The `Decision` of a person, for which the run waits without a worker.

        `form` maps names of fields to their initial values, or to declarations with `type`, `label`, `default`,
        `required`, `description` and `validation` as `@param` has them; whoever approves may edit the values.
        `approvers`: None for everybody with the permission canApprove, the name of another permission, or a list of
        e-mail addresses. Never the caller of this run, whoever is named. With `timeout` (seconds or a timedelta): where
        nobody has decided by then, nobody can any more, and the default is returned or a TimeoutError raised.
        """
        # Imported here because it imports pydantic, and few workflows ask.
        from bifrost.sdk.asking import asked

        question = asked(title, form, approvers, timeout, message, self.caller)
        answer = await self._host.ask(question)
        if "timedOut" not in answer:
            return Decision.from_json(answer["value"])
        if default is MISSING:
            limit = question.seconds
            raise TimeoutError(
                f"Nobody decided {question.title!r} within {limit:g} seconds", limit, f"approval {question.title}"
            )
        return default
