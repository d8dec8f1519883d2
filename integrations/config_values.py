"""What a config may be called and hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings

from bifrost.sdk.documents import decode, encode, exact, size
from bifrost.sdk.errors import SerializationError, ValidationError
from bifrost.sdk.tolerant import JSON
from integrations.models import Config
from integrations.secret_places import check_secret_name

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}")
_DIRECTING = ("url", "uri", "host", "server", "endpoint", "tenant", "tenant_id", "client_id", "company", "company_id")
_DIGITS = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*")
_TRUTH = {"true": True, "false": False}


def check_key(key: object) -> None:
    """Raises ValidationError where nothing can be kept under this key."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ValidationError(
            f"{str(key)[:130]!r} cannot be a config's key: up to 200 letters, digits, '_', '.', ':' and '-'.",
            field="key",
        )


def directs_credentials(key: str) -> bool:
    """Whether a config of this key may say where an integration sends credentials, or whose data it asks for."""
    return key.lower().endswith(_DIRECTING)


def checked(value: Any, type: str) -> JSON:
    """A JSON copy of the value. Raises ValidationError where it is not of this type; for a secret it is its name."""
    _check_type(type)
    if not _TYPES[type](value):
        raise ValidationError(f"The value is not of the type {type}.", field="value")
    if type == Config.Type.SECRET:
        check_secret_name(value)
    try:
        copy = exact(value, "value")
    except SerializationError as error:
        raise ValidationError(error.message, field="value") from None
    most = int(settings.ENGINE["max_value_bytes"])
    if size(copy) > most:
        raise ValidationError(f"The value takes more than {most:,} bytes.", field="value")
    return copy


def parse(text: str, type: str) -> JSON:
    """The value that a person wrote, checked. Raises ValidationError."""
    _check_type(type)
    match type:
        case Config.Type.INT if _DIGITS.fullmatch(text):
            return checked(int(text), type)
        case Config.Type.BOOL:
            return checked(_TRUTH.get(text.strip().lower()), type)
        case Config.Type.JSON:
            try:
                return checked(decode(text), type)
            except ValueError as error:
                raise ValidationError(f"The value is not JSON: {error}.", field="value") from None
    return checked(text, type)


def written(value: JSON, type: str) -> str:
    """The value as `parse` reads it."""
    return str(value) if type in {Config.Type.STRING, Config.Type.SECRET} else encode(value)


def type_of(value: Any) -> str:
    """The type that a value without one has."""
    kinds = ((bool, Config.Type.BOOL), (int, Config.Type.INT), (str, Config.Type.STRING))
    return next((str(type_) for kind, type_ in kinds if isinstance(value, kind)), str(Config.Type.JSON))


def _check_type(type: object) -> None:
    if type not in _TYPES:
        raise ValidationError(f"{str(type)[:40]!r} is no type of a config: {', '.join(_TYPES)}.", field="type")


_TYPES: dict[str, Callable[[Any], bool]] = {
    Config.Type.STRING.value: lambda value: isinstance(value, str),
    Config.Type.INT.value: lambda value: isinstance(value, int) and not isinstance(value, bool),
    Config.Type.BOOL.value: lambda value: isinstance(value, bool),
    Config.Type.JSON.value: lambda value: True,
    Config.Type.SECRET.value: lambda value: isinstance(value, str),
}
