"""Microsoft Graph: `context.get_integration("msgraph")`. What it offers is in docs/msgraph.md."""

from __future__ import annotations

from typing import Any

from integrations.msgraph.batches import Batches
from integrations.msgraph.devices import Devices
from integrations.msgraph.groups import Groups
from integrations.msgraph.licenses import Licenses
from integrations.msgraph.mail import Mail
from integrations.msgraph.names import literal
from integrations.msgraph.security import Security
from integrations.msgraph.users import Users


class MicrosoftGraph(Users, Groups, Licenses, Security, Mail, Devices, Batches):
    integration_name = "msgraph"

    @staticmethod
    def quoted(value: Any) -> str:
        """A value as a filter writes it: `f"displayName eq {graph.quoted(name)}"`, whatever the name holds."""
        return literal(value)
