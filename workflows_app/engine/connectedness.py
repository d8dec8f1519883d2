"""What a run's context asks about what its organization is connected to: configs, secrets, outside services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.errors import ConfigurationError
from bifrost.sdk.http.service import Credentials, Make, Service
from bifrost.sdk.sanitizing import Scrubber
from integrations import access_tokens, configs, secrets
from integrations.client import service_client
from integrations.configs import ConfigSnapshot, SecretReference
from integrations.errors import VaultUnavailable
from integrations.oauth import refreshing
from integrations.vendors import built_in
from workflows_app import catalog
from workflows_app.engine.calling import RunCalls
from workflows_app.engine.protection import ask

if TYPE_CHECKING:
    from bifrost.sdk.http.client import ServiceClient
    from workflows_app.engine.run import Run

FIRST_SECRET_CONFIG_SECONDS = 2.0
AWAY_SECONDS = 5.0  # for which nobody waits again for a vault that did not answer

_away_until = 0.0


class Connectedness:
    """The part of a run, and of the SDK's host, that is about what the organization is connected to."""

    signs_in = True

    def __init__(self, config: ConfigSnapshot) -> None:
        super().__init__()
        self.scrubber = Scrubber()
        self._config = config
        self._secrets: dict[str, str] = {}
        self._reading: dict[str, asyncio.Future[str]] = {}
        self._not_read: dict[str, Exception] = {}  # those of configs that were asked for before the start
        self._connections: set[str] = set()  # those that the journal tells of

    def config(self, key: str) -> tuple[bool, Any]:
        """The config's value at the start of the run; a reference to a secret yields the secret."""
        found = self._run.value("config", key, lambda: self._resolved(key), seals=True)
        if (name := found.get("secret")) is not None:
            self._run.engine.remember_secret_config(self._run.facts.loaded.code_version, key)
            return True, self._secret_now(name)
        return found["present"], found.get("value")

    def _resolved(self, key: str) -> dict[str, Any]:
        present, value = configs.resolve(self._config, key)
        if isinstance(value, SecretReference):
            return {"present": True, "secret": value.name}
        return {"present": present, **({"value": value} if present else {})}

    async def secret(self, name: str, previous: bool = False) -> str:
        """The secret's value, read once per execution, and from then on removed from all that is recorded."""
        run = self._run
        run.check()
        key = f"{name} (previous)" if previous else name
        if key in self._secrets:
            return self._secrets[key]
        if key not in self._reading:
            read = secrets.previous_secret_future if previous else secrets.secret_future
            self._reading[key] = asyncio.wrap_future(read(run.facts.organization, name))
            run.record("secret", key, None)
        try:
            return self._keep_secret(key, await asyncio.shield(self._reading[key]))
        except Exception:
            self._reading.pop(key, None)  # the vault may be back when it is asked for again
            raise

    async def connection(self, name: str) -> OAuthCredentials:
        """Those of an OAuth connection; their token is from then on removed from all that is recorded."""
        run = self._run
        run.check()
        organization, in_thread = run.facts.organization, partial(ask, run)
        given = await refreshing.credentials(organization, name, run.workflow_name, in_thread)
        self.scrubber.add(given.access_token)
        if given.connection_name not in self._connections:
            self._connections.add(given.connection_name)
            run.record("connection", given.connection_name, None)
        return given

    def fetch_secret_configs(self, keys: Iterable[str]) -> None:
        """Before the start, in a thread that may wait: reads the secrets to which these configs refer.

        One that cannot be had is left to the workflow, which may not ask for it this time.
        """
        for key in keys:
            _, value = configs.resolve(self._config, key)
            if isinstance(value, SecretReference):
                try:
                    self._keep_secret(value.name, secrets.read_secret(self._run.facts.organization, value.name))
                except Exception as failed:  # noqa: BLE001  raised where the workflow asks for it
                    self._not_read[value.name] = failed

    def integration(self, name: str) -> Callable[[Any], Any] | None:
        """The workspace's own of that name, as it was loaded with the workflow, or one of the platform's."""
        # Kept sources of an earlier version hold what the workflow imported, and so no integration.
        homes = (self._run.facts.loaded.home, catalog.current().home)
        return next((home.integrations[name] for home in homes if name in home.integrations), None) or built_in(name)

    def http(self, service: Service, credentials: Credentials | None) -> ServiceClient:
        """A client on the connections that all runs of this process share."""
        return service_client(service, RunCalls(self._run), credentials, self._run.engine.loop)

    async def token(self, integration: str, credentials: tuple[str, ...], make: Make, refused: str | None) -> str:
        """An access token that this process keeps for the organization."""
        self._run.check()
        given = await access_tokens.token(self._run.facts.organization, integration, credentials, make, refused)
        self.scrubber.add(given)
        return given

    def _secret_now(self, name: str) -> str:
        """For the plain call `get_config`: at once where the secret was asked for before the start, else bounded.

        The loop may stand still meanwhile, and others' runs with it: for a vault that is away one run waits, not each.
        """
        global _away_until  # noqa: PLW0603  one for each process
        if name in self._secrets:
            return self._secrets[name]
        if name in self._not_read:
            raise self._not_read[name]
        if time.monotonic() < _away_until:
            raise VaultUnavailable("The vault did not answer a moment ago.")
        try:
            value = secrets.secret_future(self._run.facts.organization, name).result(FIRST_SECRET_CONFIG_SECONDS)
        except TimeoutError:
            _away_until = time.monotonic() + AWAY_SECONDS
            message = f"The vault did not answer within {FIRST_SECRET_CONFIG_SECONDS:.0f} s."
            raise ConfigurationError(message, config_key=name) from None
        except VaultUnavailable:
            _away_until = time.monotonic() + AWAY_SECONDS
            raise
        return self._keep_secret(name, value)

    def _keep_secret(self, name: str, value: str) -> str:
        self.scrubber.add(value)
        self._secrets[name] = value
        return value

    @property
    def _run(self) -> Run:
        return cast("Run", self)
