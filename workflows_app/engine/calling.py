"""What a run offers to its clients of outside services (`bifrost.sdk.http`): its journal, circuits and permits."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from bifrost.sdk.protection import reason_of, verdict_of
from bifrost.sdk.rate_limit import RateLimit
from bifrost.sdk.steps import StepCall
from integrations import breakers, rates
from integrations.breakers import Admission
from workflows_app.engine.protection import ask
from workflows_app.metrics.noticing import outside_call

if TYPE_CHECKING:
    from workflows_app.engine.run import Run


class RunCalls:
    """Of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def dry_run(self) -> bool:
        return self._run.dry_run

    def conceal(self, credential: str) -> None:
        self._run.scrubber.add(credential)

    def shown(self, text: str) -> str:
        return str(self._run.scrubber.scrub(text))

    def tracked(self, call: dict[str, Any]) -> None:
        self._run.record("integration_call", call["integration"], call)

    async def step(self, call: StepCall) -> Any:
        return await self._run.step(call)

    async def permit(self, rate: RateLimit) -> None:
        """A permit that is taken now may be for a time to come."""
        await asyncio.sleep(await ask(self._run, partial(rates.take, self._run.facts.organization, rate, reserve=True)))

    async def enter(self, service: str) -> Admission:
        organization = self._run.facts.organization
        known = breakers.known_closed(organization, service)
        if known is None:
            known = await ask(self._run, partial(breakers.admit, organization, service))
        return known

    async def leave(self, entered: Admission, error: BaseException | None, seconds: float) -> None:
        outside_call(entered.service, seconds, error)
        verdict = verdict_of(error)
        if verdict == "failed" or entered.trial is not None:
            report = partial(breakers.report, self._run.facts.organization, entered, verdict, reason_of(error))
            await ask(self._run, report)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
