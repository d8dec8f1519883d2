"""Access tokens that integrations got with credentials of an organization: kept in this process until they expire.

Never shared between organizations: the organization is part of the key, as are the credentials, so that what was set
anew is used at once. In memory alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from weakref import WeakKeyDictionary

from bifrost.sdk.http.service import Make
from orgs.records import OrganizationRecord

MOST_KEPT = 5_000
#: So long before its end a token is not used any more.
EARLY_SECONDS = 60.0

Key = tuple[str, str, str]

_kept: OrderedDict[Key, tuple[str, float]] = OrderedDict()
_making: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, asyncio.Lock]] = WeakKeyDictionary()


async def token(
    organization: OrganizationRecord, integration: str, credentials: tuple[str, ...], make: Make, refused: str | None
) -> str:
    """The kept token, or a new one where there is none, it is about to expire, or it is the one that was refused.

    Whoever asks meanwhile waits for the one that is being made.
    """
    digest = hashlib.sha256("\0".join(credentials).encode()).hexdigest()
    key = (str(organization.id), integration.lower(), digest)
    if (known := _known(key, refused)) is not None:
        return known
    locks = _making.setdefault(asyncio.get_running_loop(), {})
    async with locks.setdefault(key, asyncio.Lock()):
        try:
            if (known := _known(key, refused)) is not None:
                return known
            made, seconds = await make()
            _keep(key, made, time.monotonic() + seconds - EARLY_SECONDS)
            return made
        finally:
            locks.pop(key, None)


def forget() -> None:
    """All of them; for tests."""
    _kept.clear()


def _known(key: Key, refused: str | None) -> str | None:
    kept, until = _kept.get(key, ("", 0.0))
    return kept if time.monotonic() < until and kept != refused else None


def _keep(key: Key, made: str, until: float) -> None:
    _kept[key] = (made, until)
    _kept.move_to_end(key)
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)
