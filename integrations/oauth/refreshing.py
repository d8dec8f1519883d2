"""Tokens that live: a run gets one that is good for minutes, and only one caller anywhere asks the provider for it.

1. One query says what there is. A fresh token whose version this process knows costs nothing more.
2. One that is about to end is refreshed by whoever takes the lease in its row; within a process by one thread, whoever
   asks. Everybody else waits for the new version.
3. The vault has the new tokens before the row says so, and the row before anybody uses them. Where a process is killed
   in between, the next one finds the newer version in the vault.

No transaction is open while the provider or the vault is asked. What failed stands in the row, for all processes: a
token that lives is used on, and the provider is left alone for a minute.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import connection as database

from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.errors import ConfigurationError
from integrations.errors import VaultRejected, VaultUnavailable
from integrations.flights import Flights
from integrations.oauth import asking, finding, fleet, kept_tokens, leases
from integrations.oauth.asking import Refused
from integrations.oauth.kept_tokens import Kept
from integrations.oauth.records import Target, Verdict
from integrations.oauth.words import Grant
from orgs.records import OrganizationRecord
from orgs.tenancy import guard_thread

log = structlog.get_logger(__name__)

#: Runs what may ask the database where it may, and returns what that returns.
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

THREADS = 16
# Longer than a lease, which may be of a process that was killed.
WAIT_SECONDS = 75.0
# For a newer one, where the one that there is lives.
WAIT_WITH_A_TOKEN_SECONDS = 3.0
LOOK_AGAIN_SECONDS = 0.1
MOST_KEPT = 5_000
SAVE_TRIES = 4
SAVE_AGAIN_SECONDS = 2.0

Key = tuple[UUID, UUID]

_known: OrderedDict[Key, Kept] = OrderedDict()  # without refresh tokens
_lock = threading.Lock()
_flights: Flights | None = None


async def credentials(
    organization: OrganizationRecord, name: str, workflow: str, in_thread: InThread
) -> OAuthCredentials:
    """For a run, on its loop. Raises ConfigurationError where there is no such connection, IntegrationError where it
    has no token and what to do, VaultUnavailable."""
    began = time.monotonic()
    while True:
        target: Target = await in_thread(partial(finding.find, organization, name))
        verdict = target.verdict()
        if verdict == "renew":
            verdict = await asyncio.wrap_future(_threads().join(target.key, partial(_renew_in_thread, target)))
        elif verdict == "wait":
            verdict = _waited_long_enough(target, began)
            await asyncio.sleep(LOOK_AGAIN_SECONDS if verdict == "wait" else 0)
        if verdict == "use":
            break
    kept = _current(target)
    if kept is None:
        text = await asyncio.wrap_future(kept_tokens.reading(target.holder, target.settings.id))
        kept = _fitting(target, text) or await in_thread(partial(_looked_up, target))
    if not fleet.is_noted(organization, target.settings.id, workflow):
        await in_thread(partial(fleet.note_use, organization, target.settings.id, workflow))
    return _credentials(target, kept)


def credentials_now(organization: OrganizationRecord, name: str) -> OAuthCredentials:
    """The same for who may block: pages, commands, tests. Notes no use."""
    began = time.monotonic()
    while True:
        target = finding.find(organization, name)
        verdict = target.verdict()
        if verdict == "renew":
            verdict = _renewed(target)
        elif verdict == "wait":
            verdict = _waited_long_enough(target, began)
            time.sleep(LOOK_AGAIN_SECONDS if verdict == "wait" else 0)
        if verdict == "use":
            return _credentials(target, _current(target) or _looked_up(target))


def renew(target: Target, *, force: bool = False) -> bool:
    """Gets a new token, where nobody else does. True where there is one; what failed stands in the row.

    Blocks for seconds. Raises VaultUnavailable, ConfigurationError where the organization lacks its tenant.
    """
    lease = leases.take(target, force=force)
    if lease is None:
        return False
    try:
        kept = _newest(target)
    except Refused as refused:
        leases.fail(target, lease, refused)
        log.warning("a connection was not refreshed", connection=str(target.settings.id), code=refused.code)
        return False
    except BaseException:
        leases.release(target, lease)
        raise
    if not leases.store(target, lease, kept):
        return False
    keep(target.key, kept)
    return True


def keep(key: Key, kept: Kept) -> None:
    """This process knows the token; not what could get others."""
    with _lock:
        _known[key] = replace(kept, given=replace(kept.given, refresh_token=""))
        _known.move_to_end(key)
        while len(_known) > MOST_KEPT:
            _known.popitem(last=False)


def forget(key: Key | None = None) -> None:
    """One token, or all, in this process."""
    with _lock:
        if key is None:
            _known.clear()
        else:
            _known.pop(key, None)


def _newest(target: Target) -> Kept:
    """What the vault has under the next version by now: got here, or by somebody who was killed before saying so."""
    there = kept_tokens.read(target.holder, target.settings.id)
    if there is not None and there.version > target.state.version and not target.derived:
        return there
    given = _asked(target, there)
    kept = Kept(target.state.version + 1, given)
    _save(target, kept, there.number if there is not None else 0)
    return kept


def _asked(target: Target, there: Kept | None) -> asking.Given:
    """A new token of the provider. One that comes without a refresh token leaves the former one in force."""
    settings = target.settings
    secret = "" if not settings.has_secret else kept_tokens.client_secret(target.owner, settings.id)
    if settings.grant == Grant.CLIENT:
        return asking.by_client(target, secret)
    owners = kept_tokens.read(target.owner, settings.id) if target.derived else there
    refresh = owners.given.refresh_token if owners is not None else ""
    if not refresh:
        raise Refused("invalid_grant", "There is no refresh token.")
    given = asking.by_refresh_token(target, secret, refresh)
    if target.derived:
        # The holder gets no more than the access token. The owner's refresh token is not used up by this.
        return replace(given, refresh_token="")
    return replace(given, refresh_token=given.refresh_token or refresh)


def _save(target: Target, kept: Kept, replaces: int) -> None:
    """The provider may have made the former refresh token worthless: the new one must not be lost to a vault that is
    away for a moment."""
    for again in reversed(range(SAVE_TRIES)):
        try:
            kept_tokens.write(target.holder, target.settings.id, kept, replaces)
            return
        except VaultRejected:
            # Somebody has connected it anew meanwhile, or our lease has run out: theirs holds. Or this write was done,
            # and its answer lost.
            there = kept_tokens.read(target.holder, target.settings.id)
            if there is None or there.given != kept.given:
                raise
            return
        except VaultUnavailable:
            if not again:
                raise
            time.sleep(SAVE_AGAIN_SECONDS)


def _renew_in_thread(target: Target, deadline: float) -> Verdict:
    guard_thread()
    try:
        return _renewed(target)
    finally:
        database.close()


def _renewed(target: Target) -> Verdict:
    """Whatever came of it stands in the row, which is to be looked at again; unless it could not be tried at all."""
    try:
        renew(target)
    except (VaultUnavailable, ConfigurationError) as error:
        if not target.state.alive:
            raise
        log.warning("a connection could not be refreshed", connection=str(target.settings.id), error=error.message)
        return "use"
    return "wait"


def _waited_long_enough(target: Target, began: float) -> Verdict:
    """Somebody else is about to have a newer one. Raises IntegrationError where that one takes too long."""
    if time.monotonic() < began + (WAIT_WITH_A_TOKEN_SECONDS if target.state.alive else WAIT_SECONDS):
        return "wait"
    if target.state.alive:
        return "use"
    raise target.refused(f"{target.place} is being refreshed, which takes too long.", hint="")


def _current(target: Target) -> Kept | None:
    known = _known.get(target.key)
    return known if known is not None and known.version >= target.state.version else None


def _fitting(target: Target, text: str | None) -> Kept | None:
    """What the vault gave, if it is at least as new as the row."""
    kept = kept_tokens.opened(text)
    if kept is None or kept.version < target.state.version:
        return None
    keep(target.key, kept)
    return kept


def _looked_up(target: Target) -> Kept:
    """What the vault has at this moment. Raises IntegrationError where it lacks what the row speaks of."""
    kept = kept_tokens.read(target.holder, target.settings.id)
    if kept is None or kept.version < target.state.version:
        raise target.refused(f'The vault has no token of the connection "{target.settings.name}" any more.')
    keep(target.key, kept)
    return kept


def _credentials(target: Target, kept: Kept) -> OAuthCredentials:
    return OAuthCredentials(
        connection_name=target.settings.name,
        access_token=kept.given.access_token,
        expires_at=kept.given.expires_at,
        scopes=tuple(kept.given.scopes.split()),
    )


def _threads() -> Flights:
    global _flights  # noqa: PLW0603 - one per process, made on first use and never before a fork
    with _lock:
        if _flights is None:
            _flights = Flights(THREADS, WAIT_SECONDS, "oauth")
        return _flights


def _begin_anew() -> None:
    global _lock, _flights
    _lock, _flights = threading.Lock(), None


os.register_at_fork(after_in_child=_begin_anew)
