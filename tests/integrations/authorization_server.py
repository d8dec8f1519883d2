"""An authorization server (RFC 6749, 7636) on loopback, as strict as the strictest provider.

Redirect addresses are compared exactly, codes are good once and only with their verifier, the client proves itself, and
refresh tokens rotate: one that comes a second time ends all that came of the same sign-in, as RFC 9700 wants it.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from tests.integrations.vendor import Asked, Reply, Vendor, served

CALLBACK = "http://testserver/oauth/callback"
SECRET = "hunter22-secret-of-the-client"


@dataclass
class Code:
    redirect_uri: str
    challenge: str
    scope: str
    tenant: str
    used: bool = False


@dataclass
class Family:
    """All tokens of one sign-in."""

    scope: str
    tenant: str
    current: str = ""
    former: set[str] = field(default_factory=set)
    revoked: bool = False


class AuthorizationServer(Vendor):
    """`rotates`: each refresh token is good once. As Microsoft's, one that does not takes them at any tenant."""

    def __init__(self, client_id: str = "bifrost", secret: str = SECRET) -> None:
        super().__init__()
        self.client_id, self.secret = client_id, secret
        self.redirect_uris = {CALLBACK}
        self.rotates = True
        self.gives_refresh_tokens = True
        self.expires_in: int | None = 3600
        self.consents: set[str] | None = None  # tenants that have agreed; None: all
        self.codes: dict[str, Code] = {}
        self.families: list[Family] = []
        self.valid: dict[str, str] = {}  # access tokens, and whose
        self._count = 0

    def reply(self, asked: Asked) -> Reply:
        tenant = asked.path.split("/")[1] if "oauth2" in asked.path else ""
        if asked.method == "GET" and asked.path.endswith("/authorize"):
            return self._authorize(asked.query, tenant)
        if asked.method == "POST" and asked.path.endswith("/token"):
            return self._token(asked, tenant)
        return Reply(404, {"error": "not_found"})

    @property
    def token_requests(self) -> list[dict[str, str]]:
        return [asked.form for asked in self.asked if asked.method == "POST"]

    @property
    def refreshes(self) -> int:
        return sum(form.get("grant_type") == "refresh_token" for form in self.token_requests)

    @property
    def secrets(self) -> list[str]:
        """All that it has ever given or knows that nobody else is to see."""
        tokens = [token for family in self.families for token in (family.current, *family.former)]
        return [self.secret, *self.valid, *tokens, *self.codes]

    def revoke(self) -> None:
        for family in self.families:
            family.revoked = True

    def _authorize(self, query: dict[str, str], tenant: str) -> Reply:
        """As if the person had agreed at once."""
        wanted = {"response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"}
        if missing := wanted - query.keys():
            return Reply(400, {"error": "invalid_request", "error_description": f"missing {sorted(missing)}"})
        if query["client_id"] != self.client_id or query["redirect_uri"] not in self.redirect_uris:
            return Reply(400, {"error": "invalid_request", "error_description": "unknown client or redirect_uri"})
        if query["response_type"] != "code" or query["code_challenge_method"] != "S256":
            return Reply(400, {"error": "unsupported_response_type"})
        code = self._new("code")
        self.codes[code] = Code(query["redirect_uri"], query["code_challenge"], query.get("scope", ""), tenant)
        back = urlencode({"code": code, "state": query["state"]})
        return Reply(302, None, {"location": f"{query['redirect_uri']}?{back}"})

    def _token(self, asked: Asked, tenant: str) -> Reply:
        if not asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _refused("invalid_request", "not a form")
        form = asked.form
        if not self._is_client(asked, form):
            return _refused("invalid_client", "the client did not prove itself", 401)
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_client,
        }
        grant = grants.get(form.get("grant_type", ""))
        return grant(form, tenant) if grant else _refused("unsupported_grant_type", "")

    def _is_client(self, asked: Asked, form: dict[str, str]) -> bool:
        scheme, _, basic = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(basic).decode().partition(":")
            return (unquote(name), unquote(secret)) == (self.client_id, self.secret) and "client_secret" not in form
        return (form.get("client_id"), form.get("client_secret", "")) == (self.client_id, self.secret)

    def _by_code(self, form: dict[str, str], tenant: str) -> Reply:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.used or code.redirect_uri != form.get("redirect_uri"):
            return _refused("invalid_grant", f"the code {form.get('code')} is not good")
        code.used = True
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            return _refused("invalid_grant", "the verifier is not that of the challenge")
        family = Family(code.scope, code.tenant or tenant)
        self.families.append(family)
        return self._given(family, tenant)

    def _by_refresh_token(self, form: dict[str, str], tenant: str) -> Reply:
        token = form.get("refresh_token", "")
        family = next((each for each in self.families if token in {each.current, *each.former}), None)
        if family is None or family.revoked:
            return _refused("invalid_grant", f"the token {token} is revoked")
        if token in family.former:
            family.revoked = True
            return _refused("invalid_grant", "the token was used before")
        if self.consents is not None and tenant not in self.consents:
            return _refused("invalid_grant", f"AADSTS65001: {tenant} has not consented")
        return self._given(family, tenant)

    def _by_client(self, form: dict[str, str], tenant: str) -> Reply:
        if self.consents is not None and tenant not in self.consents:
            return _refused("invalid_grant", "no consent")
        return self._given(None, tenant)

    def _given(self, family: Family | None, tenant: str) -> Reply:
        access = self._new(f"access-{tenant or 'x'}")
        self.valid[access] = tenant
        given: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "scope": "read write"}
        if self.expires_in is not None:
            given["expires_in"] = self.expires_in
        if family is not None and self.gives_refresh_tokens and (self.rotates or not family.current):
            if family.current:
                family.former.add(family.current)
            family.current = given["refresh_token"] = self._new("refresh")
        return Reply(200, given, {"cache-control": "no-store"})

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}-{hashlib.sha256(f'{id(self)}{self._count}'.encode()).hexdigest()[:24]}"


def _refused(error: str, said: str, status: int = 400) -> Reply:
    return Reply(status, {"error": error, "error_description": said})


@contextmanager
def authorization_server(settings: Any, **arguments: Any) -> Iterator[AuthorizationServer]:
    """Served on loopback, which the MSP allows."""
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    server = AuthorizationServer(**arguments)
    with served(server):
        yield server
