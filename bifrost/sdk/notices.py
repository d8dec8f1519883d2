"""Notes to people: `await context.notify("Done", "All 40 mailboxes are moved.")`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bifrost.sdk.addresses import is_email
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.host import Host
from bifrost.sdk.steps import StepCall, current_step
from bifrost.sdk.tolerant import plain

__all__ = ["Notices"]

MOST_RECIPIENTS = 50
LONGEST_SUBJECT = 200
LONGEST_MESSAGE = 20_000


class Notices:
    """What a context can tell people outside of its run."""

    _host: Host

    async def notify(self, subject: str, message: str, to: str | Iterable[str] | None = None) -> None:
        """Leaves a notice in a person's inbox and sends it as an e-mail, once however often the run runs again.

        To whoever started the run, or to an e-mail address or several. Raises ValidationError for what is no
        address, for a subject of more than 200 characters or a message of more than 20,000, and where a run that
        nobody started names nobody.
        """
        self._host.check()
        data = {
            "subject": _text("subject", subject, LONGEST_SUBJECT),
            "message": _text("message", message, LONGEST_MESSAGE),
            "to": None if to is None else _addresses(to),
        }
        if current_step.get() is None:
            await self._host.step(StepCall("notify", self._leave, kwargs=data, implicit=True))
        else:
            await self._leave(**data)  # part of that step

    async def _leave(self, **data: Any) -> None:
        await self._host.service("notify", data)


def _text(name: str, given: object, longest: int) -> str:
    text = str(plain(given)) if isinstance(given, str) else ""
    if not text.strip() or len(text) > longest:
        raise ValidationError(f"The {name} of a notice has to be text of 1 to {longest:,} characters", field=name)
    return text


def _addresses(to: object) -> list[str]:
    given = [to] if isinstance(to, str) else list(to) if isinstance(to, Iterable) else [to]
    for address in given:
        if not isinstance(address, str) or not is_email(address):
            raise ValidationError(f"A notice goes to e-mail addresses, not to {plain(address)!r}", field="to")
    addresses = sorted({str(address).lower() for address in given})
    if not 1 <= len(addresses) <= MOST_RECIPIENTS:
        raise ValidationError(f"A notice goes to 1 to {MOST_RECIPIENTS} addresses, not to {len(addresses)}", field="to")
    return addresses
