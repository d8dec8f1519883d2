"""What a workflow gets of an OAuth connection: enough to call the service, and nothing by which to get more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class OAuthCredentials:
    """The credentials of a connection as they are now: fetched anew, they may be newer ones.

    `expires_at` None: the service did not say. Neither repr nor str shows the token.
    """

    connection_name: str
    access_token: str = field(repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()

    def is_expired(self, within: float | timedelta = 0) -> bool:
        """Whether the token has ended, or ends within so many seconds."""
        if self.expires_at is None:
            return False
        margin = within if isinstance(within, timedelta) else timedelta(seconds=within)
        return datetime.now(UTC) + margin >= self.expires_at

    def get_auth_header(self) -> str:
        """The value of the header Authorization."""
        return f"Bearer {self.access_token}"
