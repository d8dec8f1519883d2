"""How the OpenAPI document names the credentials that `orgs.authentication` accepts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BifrostCredentials(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass registers it
    target_class = "orgs.authentication.BifrostAuthentication"
    name = ["token", "functionsKey", "session"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Any one of them is enough; the base class would ask for all three."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "An API token."},
            {"type": "apiKey", "in": "header", "name": "x-functions-key", "description": "An API token."},
            {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "A session, with X-CSRFToken."},
        ]
