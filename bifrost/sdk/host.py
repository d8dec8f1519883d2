"""What a context asks of whoever runs it: the engine, or `bifrost.testing`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.tolerant import JSON

T = TypeVar("T")


class Host(Protocol):
    """One run's host. Every method raises Detached once the run was taken from this process."""

    @property
    def organization(self) -> OrganizationFacts: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def execution_id(self) -> str: ...
    @property
    def workflow_name(self) -> str: ...
    @property
    def attempt(self) -> int: ...

    def record(self, kind: str, name: str, data: JSON) -> None:
        """Notes an event; `data` is JSON, a copy that the host may keep.

        kind "log": name is the level, data `{"message", "data"}`. "checkpoint", "variable": name and data are
        the author's. "integration_call": name is the integration, data the call. "config": name is the key,
        data `{"present"}` and never the value.
        """

    def check(self) -> None:
        """Does nothing but raise Detached where that is due."""

    def config(self, key: str) -> tuple[bool, Any]:
        """Whether the organization has this config, and its value, as it was when the run first asked."""

    async def secret(self, name: str) -> str:
        """ConfigurationError names a secret that is missing."""

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> JSON:
        """Runs another workflow and returns its result; its failure is raised as the child's own error."""

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For plain `def` workflows: runs the coroutine on the loop and waits for it, in the workflow's
        thread.
        """

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        """Whether an earlier attempt saved a checkpoint of this name, and the last one."""
