"""Mail in the name of somebody of the tenant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bifrost.sdk.errors import ValidationError
from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.names import key_of, listed, path_of

Addresses = str | Iterable[str]


class Mail(AsksGraph):
    async def send_mail(
        self,
        sender: Any,
        to: Addresses,
        subject: str,
        body: str,
        html: bool = False,
        cc: Addresses = (),
        bcc: Addresses = (),
        save: bool = True,
    ) -> None:
        """Hands it to Exchange, which sends it later. `sender` has to have a mailbox; `save`: among its sent mail."""
        if not listed(to):
            raise ValidationError("The mail goes to nobody", field="to")
        message = {
            "subject": subject,
            "body": {"contentType": "html" if html else "text", "content": body},
            "toRecipients": _recipients(to),
            "ccRecipients": _recipients(cc),
            "bccRecipients": _recipients(bcc),
        }
        path = f"{path_of('users', key_of(sender, 'sender'))}/sendMail"
        await self._post(path, {"message": message, "saveToSentItems": save})


def _recipients(addresses: Addresses) -> list[dict[str, Any]]:
    return [{"emailAddress": {"address": address}} for address in listed(addresses)]
