"""The integrations that ship: which class has which name, imported when a run first asks for it."""

from __future__ import annotations

from importlib import import_module

from bifrost.sdk.integration import BaseIntegration

#: Where each class is, by its name in lower case.
_CLASSES: dict[str, str] = {
    "connectwise": "integrations.connectwise.client.ConnectWise",
    "generic": "integrations.generic.client.OpenApi",
    "halopsa": "integrations.halopsa.client.HaloPSA",
    "msgraph": "integrations.msgraph.client.MicrosoftGraph",
}


def built_in(name: str) -> type[BaseIntegration] | None:
    """The class of this name, in lower case; None where there is none."""
    if name not in _CLASSES:
        return None
    module, _, attribute = _CLASSES[name].rpartition(".")
    found: type[BaseIntegration] = getattr(import_module(module), attribute)
    return found
