"""How Bifrost signs in at Microsoft: by the organization's OAuth connection, else as an application of the tenant."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from bifrost.sdk.errors import ConfigurationError, IntegrationError
from bifrost.sdk.integration import BaseIntegration

GRAPH_URL = "https://graph.microsoft.com/v1.0"
LOGIN_URL = "https://login.microsoftonline.com"
SCOPE = "https://graph.microsoft.com/.default"
#: Names that a connection to Microsoft may have.
CONNECTIONS = ("msgraph", "Microsoft")
LIFETIME = 3_599.0


class Application(NamedTuple):
    """What an application shows in order to be let in."""

    client_id: str
    secret: str
    tenant: str
    login_url: str


class SignsIn(BaseIntegration):
    integration_name = "msgraph"

    async def authenticate(self) -> Any:
        """The connection's credentials, or an access token that the process keeps for the organization."""
        for name in CONNECTIONS:
            try:
                return await self.context.get_oauth_connection(name)
            except ConfigurationError:
                # There is none of that name: the credentials of an application are the other way in.
                continue
        application = await self._application()

        async def make() -> tuple[str, float]:
            return await self._new_token(application)

        return await self.token(make, *application)

    def _api_url(self) -> str:
        return (super()._api_url() or GRAPH_URL).rstrip("/")

    async def _application(self) -> Application:
        return Application(
            client_id=await self._client_id(),
            secret=str(self.get_config("msgraph_client_secret") or await self.get_secret("msgraph_client_secret")),
            tenant=self._tenant(),
            login_url=str(self.get_config("msgraph_login_url") or LOGIN_URL).rstrip("/"),
        )

    async def _client_id(self) -> str:
        key = "msgraph_client_id"
        if given := self.get_config(key):
            return str(given)
        try:
            return await self.get_secret(key)
        except ConfigurationError as missing:
            raise ConfigurationError(
                "Microsoft Graph is not connected: there is no OAuth connection "
                f'"{CONNECTIONS[0]}" or "{CONNECTIONS[1]}", and no config or secret {key}',
                config_key=key,
            ) from missing

    def _tenant(self) -> str:
        key = "msgraph_tenant_id"
        tenant = self.context.tenant_id or self.get_config(key)
        if not tenant:
            raise ConfigurationError(f"The organization has no Microsoft 365 tenant; set it, or {key}", config_key=key)
        return str(tenant)

    async def _new_token(self, application: Application) -> tuple[str, float]:
        address = f"{application.login_url}/{quote(application.tenant, safe='')}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": application.client_id,
            "client_secret": application.secret,
            "scope": SCOPE,
        }
        # It changes nothing, so it may be sent again.
        how = {"safe": True, "endpoint": "/{id}/oauth2/v2.0/token"}
        answer = (await self.http_client.post(address, data=form, extensions=how)).json()
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise IntegrationError("msgraph: Microsoft's answer holds no access token", integration="msgraph")
        return answer["access_token"], float(answer.get("expires_in", LIFETIME))
