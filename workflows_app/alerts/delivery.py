"""The two ways out: the e-mail server and the MSP's webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from smtplib import SMTPException
from types import TracebackType
from typing import Any, Self

import httpx
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from bifrost.sdk.documents import plain
from workflows_app.alerts.letters import Letter
from workflows_app.alerts.raising import email_channel

WEBHOOK_SECONDS = 5.0
LONGEST_ERROR = 500


class NotDelivered(Exception):
    """Why it was not. `down`: what is sent the same way now would fail as well."""

    def __init__(self, message: str, *, down: bool = False) -> None:
        super().__init__(str(plain(message))[:LONGEST_ERROR])
        self.down = down


class Nobody(Exception):
    """There is nobody to send it to."""


class Ways:
    """Open for one batch. A way that is down is not tried again for the rest of it."""

    def __init__(self) -> None:
        self._mail: Any = None
        self._client: httpx.Client | None = None
        self._down: dict[str, NotDelivered] = {}
        self._ways: Mapping[str, Callable[[Letter], list[str]]] = {"email": self._email, "webhook": self._webhook}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._client is not None:
            self._client.close()
        self._hang_up()

    def send(self, channel: str, letter: Letter) -> list[str]:
        """To whom it went, where that can be said. Raises NotDelivered, and Nobody."""
        if (known := self._down.get(channel)) is not None:
            raise known
        try:
            return self._ways[channel](letter)
        except NotDelivered as error:
            if error.down:
                self._down[channel] = error
            raise

    def _email(self, letter: Letter) -> list[str]:
        if not email_channel():
            raise Nobody("There is no mail server any more.")
        if not letter.to:
            raise Nobody("There is no address to send it to.")
        if self._mail is None:
            self._mail = self._opened()
        # The same in every attempt, so that a mail server may recognize a letter that it has had.
        headers = {"Message-ID": f"<{letter.id}@{_domain()}>", "Auto-Submitted": "auto-generated"}
        message = EmailMessage(letter.subject, letter.text, to=letter.to, headers=headers, connection=self._mail)
        try:
            message.send()
        except Exception as error:
            # Whatever a mail server or its backend says is kept with the letter and stops no other one; the next one
            # gets a connection of its own, unless the server does not answer at all.
            self._hang_up()
            down = isinstance(error, OSError) and not isinstance(error, SMTPException)
            raise NotDelivered(f"{type(error).__name__}: {error}", down=down) from error
        return letter.to

    def _hang_up(self) -> None:
        mail, self._mail = self._mail, None
        if mail is not None:
            with suppress(OSError):
                mail.close()

    def _opened(self) -> Any:
        mail = get_connection()
        try:
            mail.open()
        except OSError as error:
            raise NotDelivered(f"{type(error).__name__}: {error}", down=True) from error
        return mail

    def _webhook(self, letter: Letter) -> list[str]:
        url = settings.ALERTS["webhook_url"]
        if not url:
            raise Nobody("There is no webhook any more.")
        if self._client is None:
            self._client = httpx.Client(timeout=WEBHOOK_SECONDS)
        headers = {"Idempotency-Key": str(letter.id)}
        try:
            # What it says is of no interest, and might never end.
            with self._client.stream("POST", url, json=dict(letter.document), headers=headers) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered(f"{type(error).__name__}: {error}", down=True) from error
        if not 200 <= status < 300:
            raise NotDelivered(f"The webhook answered {status}.")
        return []


def _domain() -> str:
    """Of the address from which it comes."""
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >") or "localhost"
