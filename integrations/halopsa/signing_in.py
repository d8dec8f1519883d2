"""How HaloPSA lets in: by a connection that a person made, or by an application's id and secret."""

from __future__ import annotations

from typing import Any

from bifrost.sdk.errors import ConfigurationError
from bifrost.sdk.integration import BaseIntegration

CONNECTION = "HaloPSA"
CLIENT_ID, CLIENT_SECRET, TENANT = "halo_client_id", "halopsa_api_key", "halopsa_tenant"
UNCONNECTED = (
    f'HaloPSA is not connected: make the OAuth connection "{CONNECTION}", or set the config {CLIENT_ID} and the secret'
    f" {CLIENT_SECRET}"
)


async def credentials(halo: BaseIntegration, url: str) -> Any:
    """The connection of the organization, else an access token that the application got at `url`."""
    try:
        return await halo.context.get_oauth_connection(CONNECTION)
    except ConfigurationError:
        pass  # there is none
    client_id, secret = await _client_id(halo), await _secret(halo, CLIENT_SECRET)
    tenant = halo.get_config(TENANT)

    async def get() -> tuple[str, float]:
        answer = await halo.http_client.post(
            f"{url}/auth/token",
            params={"tenant": tenant} if tenant else {},
            data={
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": secret,
                "scope": "all",
            },
            # It changes nothing, so it may be sent again.
            extensions={"safe": True, "endpoint": "/auth/token"},
        )
        given = answer.json()
        return given["access_token"], float(given.get("expires_in", 3600))

    return await halo.token(get, url, client_id, secret, str(tenant or ""))


async def _client_id(halo: BaseIntegration) -> str:
    return str(halo.get_config(CLIENT_ID) or await _secret(halo, CLIENT_ID))


async def _secret(halo: BaseIntegration, name: str) -> str:
    try:
        return await halo.get_secret(name)
    except ConfigurationError as error:
        raise ConfigurationError(UNCONNECTED, config_key=name) from error
