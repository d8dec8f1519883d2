"""Token requests: put together by Authlib, sent over the platform's own connections.

Authlib's clients for httpx are left out: they open connections of their own, to any address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from bifrost.sdk.errors import IntegrationError
from bifrost.sdk.sanitizing import Scrubber
from integrations.blocking_client import ask
from integrations.oauth.records import Target
from integrations.oauth.words import Grant

SECONDS = 15.0
_HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
_LONGEST_SAID = 300
# What a token may be made of (RFC 6750, RFC 6749 appendix A.12): anything else could not be sent on.
_TOKEN = re.compile(r"[\x21-\x7e]{1,20000}")
CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class Refused(Exception):
    """The provider gave no token. `code` is its own word (`invalid_grant`) or ours; `said` holds no secret."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(code)
        self.code = code
        self.said = said


@dataclass(frozen=True, slots=True)
class Given:
    """What a provider gave. Its repr shows none of it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False, default="")
    expires_in: float | None = None
    scopes: str = ""
    given_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def expires_at(self) -> datetime | None:
        return None if self.expires_in is None else self.given_at + timedelta(seconds=self.expires_in)


def sign_in_address(target: Target, redirect_uri: str, state: str, verifier: str) -> str:
    """Where a person is sent. Raises ConfigurationError."""
    settings = target.settings
    address: str = prepare_grant_uri(
        target.address(settings.authorize_url),
        client_id=settings.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=settings.scopes or None,
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        **_extra(target, "authorize"),
    )
    return address


def by_code(target: Target, secret: str, code: str, redirect_uri: str, verifier: str) -> Given:
    """The first tokens of somebody who came back. Raises Refused."""
    return _token(target, secret, "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)


def by_client(target: Target, secret: str) -> Given:
    """Raises Refused."""
    return _token(target, secret, Grant.CLIENT.value, scope=_scopes_of_a_client(target))


def by_refresh_token(target: Target, secret: str, refresh_token: str) -> Given:
    """Raises Refused."""
    scope = target.settings.scopes if target.derived else None
    return _token(target, secret, "refresh_token", refresh_token=refresh_token, scope=scope)


def _scopes_of_a_client(target: Target) -> str | None:
    """Nobody is offline who was never there."""
    return " ".join(scope for scope in target.settings.scopes.split() if scope != "offline_access") or None


def _extra(target: Target, request: str) -> dict[str, Any]:
    """Further parameters: those under the request's name, or all where they are not told apart."""
    extra = target.settings.extra
    given = extra.get(request, {}) if {"authorize", "token"} & extra.keys() else extra
    return {name: value for name, value in given.items() if name != "tenant"}


def _token(target: Target, secret: str, grant: str, **parameters: Any) -> Given:
    settings = target.settings
    address = target.address(settings.token_url)
    body = prepare_token_request(grant, **{**_extra(target, "token"), **parameters})
    auth = ClientAuth(settings.client_id, secret or "", settings.client_authentication)
    address, headers, body = auth.prepare("POST", address, dict(_HEADERS), body)
    scrubber = Scrubber()
    for value in (secret, *(str(parameters.get(name) or "") for name in ("code", "code_verifier", "refresh_token"))):
        if value:
            scrubber.add(value)
    asked_at = datetime.now(UTC)
    answer = _answer(httpx.Request("POST", address, headers=headers, content=body))
    return _given(answer, asked_at, settings.scopes, scrubber)


def _answer(request: httpx.Request) -> httpx.Response:
    host = request.url.host
    try:
        return ask(request, SECONDS)
    except httpx.TimeoutException:
        raise Refused("no_answer", f"{host} did not answer in time.") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Refused("no_answer", f"{host} cannot be reached.") from None
    except IntegrationError as error:
        raise Refused("address", f"{error.message}.") from None


def _given(answer: httpx.Response, asked_at: datetime, scopes: str, scrubber: Scrubber) -> Given:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refused("no_answer", f"{answer.request.url.host} answered {answer.status_code}, and not with JSON.")
    if answer.status_code != 200 or "access_token" not in document:
        raise _refusal(answer, document, scrubber)
    token, refresh = document["access_token"], document.get("refresh_token") or ""
    if not all(isinstance(each, str) for each in (token, refresh)) or not _TOKEN.fullmatch(token):
        raise Refused("no_answer", f"{answer.request.url.host} gave something that is no token.")
    if str(document.get("token_type") or "Bearer").lower() != "bearer":
        raise Refused("token_type", "The provider gives tokens of another kind than Bearer.")
    return Given(token, refresh, _seconds(document), str(document.get("scope") or scopes), asked_at)


def _seconds(document: dict[str, Any]) -> float | None:
    try:
        return max(0.0, min(float(document["expires_in"]), 10 * 365 * 86_400.0))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _refusal(answer: httpx.Response, document: dict[str, Any], scrubber: Scrubber) -> Refused:
    code = document.get("error")
    if answer.status_code >= 500 or not isinstance(code, str) or not CODE.fullmatch(code):
        return Refused("no_answer", f"{answer.request.url.host} answered {answer.status_code}.")
    said = " ".join(str(scrubber.scrub(str(document.get("error_description") or ""))).split())[:_LONGEST_SAID]
    return Refused(code, f"{code}: {said}" if said else code)
