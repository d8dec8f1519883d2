"""What the vault keeps of connections: client secrets, written by people, and tokens, written by refreshes.

Both lie in the place of the organization that they are of. The platform writes them, by its own rights; they are read
by the rights of that organization, so the vault itself refuses another one's.
"""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from integrations import secrets
from integrations.oauth.asking import Given
from integrations.secret_places import connections_place
from orgs.records import OrganizationRecord


@dataclass(frozen=True, slots=True)
class Kept:
    """Tokens of one version. `number` is the vault's own. Its repr shows none of them."""

    version: int
    given: Given
    number: int = field(default=0, compare=False)


def read(holder: OrganizationRecord, connection: UUID) -> Kept | None:
    """What is there at this moment; blocks. Raises VaultUnavailable."""
    found = secrets.read_versioned(holder, connections_place(holder), _tokens(connection))
    return None if found is None else replace(_kept(found[0]), number=found[1])


def reading(holder: OrganizationRecord, connection: UUID) -> Future[str | None]:
    """The same in a thread of the vault's own, for `opened`; questions that are under way at the same time are one."""
    return secrets.future_at(holder, connections_place(holder), _tokens(connection))


def opened(text: str | None) -> Kept | None:
    return None if text is None else _kept(text)


def write(holder: OrganizationRecord, connection: UUID, kept: Kept, replaces: int | None = None) -> None:
    """VaultRejected where somebody else has written since `replaces` was read."""
    secrets.write_at(connections_place(holder), _tokens(connection), _text(kept), replaces=replaces)


def client_secret(owner: OrganizationRecord, connection: UUID) -> str:
    """ "" where there is none. Raises VaultUnavailable."""
    found = secrets.read_versioned(owner, connections_place(owner), _secret(connection))
    return "" if found is None else found[0]


def write_client_secret(owner: OrganizationRecord, connection: UUID, secret: str) -> None:
    """The organization's policy is written as well: an older one does not let it read its connections."""
    secrets.prepare_organization(owner)
    secrets.write_at(connections_place(owner), _secret(connection), secret)


def delete(holder: OrganizationRecord, connection: UUID, *, secret: bool = True) -> None:
    """With all earlier versions. Raises VaultUnavailable."""
    for name in (_tokens(connection), *([_secret(connection)] if secret else [])):
        secrets.delete_at(connections_place(holder), name)


def _tokens(connection: UUID) -> str:
    return f"{connection}.tokens"


def _secret(connection: UUID) -> str:
    return f"{connection}.client"


def _text(kept: Kept) -> str:
    given = kept.given
    return json.dumps(
        {
            "version": kept.version,
            "accessToken": given.access_token,
            "refreshToken": given.refresh_token,
            "expiresIn": given.expires_in,
            "scopes": given.scopes,
            "givenAt": given.given_at.isoformat(),
        }
    )


def _kept(text: str) -> Kept:
    document = json.loads(text)
    given = Given(
        document["accessToken"],
        document["refreshToken"],
        document["expiresIn"],
        document["scopes"],
        datetime.fromisoformat(document["givenAt"]),
    )
    return Kept(document["version"], given)
