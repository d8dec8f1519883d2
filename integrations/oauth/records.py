"""A connection as the rest of the package hands it around: values, safe across schemas and threads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from bifrost.sdk.errors import ConfigurationError, IntegrationError
from integrations.oauth.words import LIVING, ClientAuthentication, Grant, Status
from orgs.records import OrganizationRecord

RECONNECT = "Reconnect it on the organization's page Connections."
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
TENANT = "{tenant}"

#: What to do with a token: use it, get another one, or wait for the one who is getting it.
Verdict = Literal["use", "renew", "wait"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person has set."""

    id: UUID
    name: str
    provider: str
    grant: str
    client_id: str
    client_authentication: str
    has_secret: bool
    authorize_url: str
    token_url: str
    scopes: str
    extra: Mapping[str, Any]
    shared: bool
    status: str
    refreshable: bool
    connected_at: datetime | None

    @property
    def per_tenant(self) -> bool:
        """Whether each organization has a token of its own by it."""
        return TENANT in self.token_url

    @property
    def lacks_secret(self) -> bool:
        return self.client_authentication != ClientAuthentication.NONE and not self.has_secret


@dataclass(frozen=True, slots=True)
class State:
    """What the database said of the tokens, by its own clock. `waits`: nobody asks the provider for a while."""

    version: int = 0
    expires_at: datetime | None = None
    due: bool = True
    alive: bool = False
    held: bool = False
    waits: bool = False
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A connection for an organization that uses it. `owner`: whose connection it is; `holder`: in whose schema and
    place of the vault the tokens are that this organization uses."""

    settings: Settings
    state: State
    owner: OrganizationRecord
    holder: OrganizationRecord

    @property
    def derived(self) -> bool:
        """Whether the holder's token is got by the owner's: for a customer's tenant, by the MSP's connection."""
        return self.holder.id != self.owner.id

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.holder.id, self.settings.id

    @property
    def place(self) -> str:
        """Whose token it is, in an error's words."""
        return f'The connection "{self.settings.name}"'

    def verdict(self) -> Verdict:
        """Raises IntegrationError where a person has to do something, or the provider has just failed."""
        if self.settings.status not in LIVING:
            raise self.dead()
        if self.state.alive and not self.state.due:
            return "use"
        if not self.settings.refreshable:
            if self.state.alive and not self.derived:
                return "use"
            raise self.refused(f"{self.place} has expired and cannot be refreshed.")
        if self.state.waits:
            if self.state.alive:
                return "use"
            raise self.refused(f"{self.place} has no valid token: {self.state.last_error}", hint="")
        return "wait" if self.state.held else "renew"

    def dead(self) -> IntegrationError:
        """Why a person has to connect it."""
        if self.settings.status in {Status.NEW, Status.DISCONNECTED}:
            return self.refused(
                f"{self.place} is not connected.", hint="Connect it on the organization's page Connections."
            )
        reason = f": {self.state.last_error}" if self.state.last_error and not self.derived else "."
        return self.refused(f"{self.place} has to be reconnected{reason}")

    def refused(self, message: str, hint: str = RECONNECT) -> IntegrationError:
        details = {"connection": self.settings.name, **({"hint": hint} if hint else {})}
        return IntegrationError(message, integration=self.settings.provider, details=details)

    def address(self, url: str) -> str:
        """With the tenant that the holder has; Microsoft's `organizations` where a person says whose by signing in.

        Raises ConfigurationError where it takes one and there is none.
        """
        if TENANT not in url:
            return url
        tenant = str(self.settings.extra.get("tenant") or "") if not self.derived else ""
        tenant = tenant or self.holder.tenant_id
        if not tenant and not self.derived and self.settings.grant == Grant.CODE:
            tenant = "organizations"
        if not _TENANT.fullmatch(tenant):
            raise ConfigurationError(
                f'The organization {self.holder.org_id} needs its Microsoft tenant for the connection "'
                f'{self.settings.name}".',
                config_key="tenant_id",
            )
        return url.replace(TENANT, tenant)
