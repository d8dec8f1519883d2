"""What Graph answers, as authors use it: dicts whose keys are attributes too, and lists of them with `.value`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.msgraph.names import property_name


class Item(dict[str, Any]):
    """A dict, equal to a plain one; `user.display_name` is `user["displayName"]`, at every depth."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        key = None if name.startswith("__") else self._key(name)
        if key is None:
            raise AttributeError(
                f"Graph's answer has no {name!r}: was it selected? It has {', '.join(self)}", name=name
            )
        return self[key]

    def _key(self, name: str) -> str | None:
        for likely in (property_name(name), name):
            if likely in self:
                return likely
        # Capitals cannot be told from the name: `azure_ad_device_id` is azureADDeviceId.
        flat = name.replace("_", "").lower()
        return next((key for key in self if key.replace("_", "").lower() == flat), None)


class Collection(list[Item]):
    """A list; `.value` is the list itself, as Graph's own clients call it."""

    __slots__ = ()

    @property
    def value(self) -> Collection:
        return self


def item(document: Any) -> Item:
    """The object of an answer that holds one, without what describes the answer."""
    described: Item = _wrapped(dict(document))
    described.pop("@odata.context", None)
    return described


def collection(documents: Iterable[Any]) -> Collection:
    return Collection(item(document) for document in documents)


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return Item((key, _wrapped(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [_wrapped(inner) for inner in value]
    return value
