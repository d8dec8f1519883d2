"""Presets: where a provider's pages are, and how it wants to be asked. What is filled in from one may be changed."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.oauth.words import ClientAuthentication, Grant


@dataclass(frozen=True, slots=True)
class Provider:
    """`base`: the address that its other two begin with; "" where each customer of the provider has an own one.
    `help`: what a person has to do there first."""

    key: str
    label: str
    base: str
    authorize_path: str
    token_path: str
    scopes: str
    grants: tuple[Grant, ...]
    client_authentication: ClientAuthentication
    help: str
    base_label: str = "Address"

    @property
    def asks_for_base(self) -> bool:
        """Whether its addresses follow from one; the generic provider's are given one by one."""
        return bool(self.token_path)

    def addresses(self, base: str) -> tuple[str, str]:
        """That of the page where a person signs in, "" where nobody does; and that which gives tokens."""
        start = (base or self.base).rstrip("/")
        return (start + self.authorize_path if self.authorize_path else "", start + self.token_path)


_BOTH = (Grant.CODE, Grant.CLIENT)

PROVIDERS: dict[str, Provider] = {
    provider.key: provider
    for provider in (
        Provider(
            "microsoft",
            "Microsoft (Graph, Entra ID)",
            "https://login.microsoftonline.com",
            "/{tenant}/oauth2/v2.0/authorize",
            "/{tenant}/oauth2/v2.0/token",
            "offline_access https://graph.microsoft.com/.default",
            _BOTH,
            ClientAuthentication.POST,
            "Register an application in Entra ID, with the callback address below as a redirect URI of the kind Web, "
            "and a client secret.",
            "Authority",
        ),
        Provider(
            "halopsa",
            "HaloPSA",
            "",
            "/auth/authorize",
            "/auth/token",
            "all offline_access",
            _BOTH,
            ClientAuthentication.POST,
            "In HaloPSA, Configuration, Integrations, Halo API: add an application with the callback address below.",
            "Address of your HaloPSA",
        ),
        Provider(
            "connectwise",
            "ConnectWise (Asio platform)",
            "https://openapi.service.itsupport247.net",
            "",
            "/v1/token",
            "platform.companies.read",
            (Grant.CLIENT,),
            ClientAuthentication.POST,
            "In the Asio platform, Integrations, API Access: generate one, with the scopes that you need.",
            "Address of your region",
        ),
        Provider(
            "generic",
            "Another provider",
            "",
            "",
            "",
            "",
            _BOTH,
            ClientAuthentication.BASIC,
            "Register an application at the provider, with the callback address below. It has to know OAuth 2.0; "
            "PKCE (S256) is always used.",
        ),
    )
}


def label_of(key: str) -> str:
    return PROVIDERS[key].label if key in PROVIDERS else key
