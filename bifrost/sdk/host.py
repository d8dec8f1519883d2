"""What a context asks of whoever runs it: the engine, or `bifrost.testing`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.durable import Wait
from bifrost.sdk.http.service import Credentials, Make, Service
from bifrost.sdk.questions import Asked
from bifrost.sdk.steps import StepCall
from bifrost.sdk.tolerant import JSON

if TYPE_CHECKING:
    from bifrost.sdk.http.client import ServiceClient

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
    @property
    def dry_run(self) -> bool: ...

    def record(self, kind: str, name: str, data: JSON) -> None:
        """Notes an event; `data` is JSON, a copy that the host may keep.

        kind "log": name is the level, data `{"message", "data"}`. "checkpoint", "variable": name and data are
        the author's. "integration_call": name is the integration, data the call. "card": name is its key or "".
        """

    def value(self, kind: str, name: str, make: Callable[[], JSON]) -> JSON:
        """What `make` gave when the code first came here, however often it runs again."""

    def patched(self, change: str) -> bool:
        """Whether this run has come here with the changed code."""

    def permitted(self, name: str) -> bool:
        """Whether the caller has this permission now."""

    def check(self) -> None:
        """Does nothing but raise Detached where that is due."""

    def config(self, key: str) -> tuple[bool, Any]:
        """Whether the organization has this config, and its value, as it was when the run first asked."""

    async def secret(self, name: str, previous: bool) -> str:
        """ConfigurationError names a secret that is missing, or that has no previous value."""

    async def connection(self, name: str) -> OAuthCredentials:
        """Those of an OAuth connection, with a token that is good for minutes. ConfigurationError names a connection
        that is missing; IntegrationError says that a person has to connect it.
        """

    def progress(self, done: float, total: float, message: str) -> None:
        """Shows how far the run is."""

    def complete_with_errors(self, failed: list[JSON]) -> None:
        """The run ends as CompletedWithErrors, where it ends well."""

    def compensation(self) -> AbstractContextManager[Callable[[str, bool], None]]:
        """In the block a saga undoes what it has done: only its own time stops that. The function is told the name of
        each step, and whether it was undone.
        """

    def branches(self, name: str) -> Callable[[int], AbstractContextManager[None]]:
        """Makes places of their own for the parts of a list, whoever comes to which part."""

    async def step(self, call: StepCall) -> JSON:
        """Does a step and returns its result, or raises its error; what is recorded is not done again."""

    async def wait(self, wait: Wait) -> dict[str, Any]:
        """Waits. The answer has the key "timedOut" where the time came first, else the "value"."""

    async def ask(self, asked: Asked) -> dict[str, Any]:
        """Asks a person. The answer has the key "timedOut" where nobody decided in time, else the "value": approved,
        decidedBy (id, email, name), decidedAt, comment, values.
        """

    async def service(self, name: str, data: dict[str, JSON]) -> JSON:
        """Asks the platform for something that has an effect outside the run, from within a step: so it is done at
        least once, each time with the step's idempotency key.
        """

    async def save_file(self, name: str, content_type: str | None, content: bytes) -> JSON:
        """Keeps a file with the run and returns the object that names it, from within a step."""

    async def read_file(self, file_id: str) -> bytes:
        """The content of a file that the run may read. Raises ValidationError."""

    def integration(self, name: str) -> Callable[[Any], Any] | None:
        """What makes the integration of this name, in lower case, for a context."""

    def http(self, service: Service, credentials: Credentials | None) -> ServiceClient:
        """A client of the service, whose requests carry these credentials."""

    async def token(self, integration: str, credentials: tuple[str, ...], make: Make, refused: str | None) -> str:
        """The organization's access token that was got with these credentials, a new one where it has expired or was
        refused.
        """

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> JSON:
        """Runs another workflow and returns its result; its failure is raised as the child's own error."""

    async def start_child(self, workflow: str, parameters: dict[str, Any], parent_close: str) -> str:
        """Starts another workflow and returns its id. `parent_close`: "cancel", "abandon" or "wait"."""

    async def child_result(self, workflow: str, execution_id: str) -> JSON:
        """The result of a workflow that was started; its failure is raised as its own error."""

    async def continue_as_new(self, parameters: dict[str, Any]) -> NoReturn:
        """Raises ContinueAsNew, for this workflow to go on in a new run; an error where it cannot with these."""

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For plain `def` workflows: runs the coroutine on the loop and waits for it, in the workflow's
        thread.
        """

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        """Whether an earlier attempt saved a checkpoint of this name, and the last one."""
