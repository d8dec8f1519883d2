"""Strict JSON in. Whatever a client sends, it is either an object that every later layer can store, or a refusal.

Refused with 400: not UTF-8, not JSON, not an object, a key twice in one object, NaN and Infinity, numbers that no
double can hold, more than 100 levels, NUL and lone surrogates (PostgreSQL can store neither). Over the limit: 413.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from typing import IO, Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from bifrost.sdk.errors import ValidationError
from workflows_app.errors import Refused

MAX_DEPTH = 100
MAX_INTEGER_DIGITS = 308  # a longer one fits no double, so a parameter of type float could not take it
READ_SIZE = 65_536


class BodyTooLarge(Refused):
    """The request's body is over the limit; nothing of it was kept."""

    status_code = 413
    error = "PayloadTooLarge"


class StrictJSONParser(BaseParser):
    """The same rules for views that read `request.data`."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        return parse_object(read_limited(stream))


def refuse(field: str, message: str) -> NoReturn:
    """Raises the 400 that names one bad field."""
    raise ValidationError(message, field=field, details={"errors": [{"field": field, "message": message}]})


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the request's body; no body at all is an empty object. Raises ValidationError, BodyTooLarge,
    UnsupportedMediaType."""
    body = read_body(request)
    if not body:
        return {}
    _require_json(request)
    return parse_object(body)


def read_value(request: HttpRequest) -> Any:
    """The JSON value in the request's body, of any kind; no body at all is None. Raises the same."""
    body = read_body(request)
    if not body:
        return None
    _require_json(request)
    return parse_value(body)


def _require_json(request: HttpRequest) -> None:
    media = (request.content_type or "application/json").lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise UnsupportedMediaType(media, "The body has to be JSON: send Content-Type: application/json.")


def read_body(request: HttpRequest) -> bytes:
    """The request's bytes as they came. Raises BodyTooLarge, and Django's RequestDataTooBig and UnreadablePostError."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared) > settings.API_BODY_LIMIT:
        raise _too_large()
    if not declared and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        # Django takes a body without a length for an empty one.
        return read_limited(request.environ["wsgi.input"])  # type: ignore[attr-defined]
    return request.body


def read_limited(stream: IO[bytes]) -> bytes:
    """All that the stream holds. Raises BodyTooLarge as soon as it is more than the limit."""
    body = bytearray()
    while chunk := stream.read(READ_SIZE):
        body += chunk
        if len(body) > settings.API_BODY_LIMIT:
            raise _too_large()
    return bytes(body)


def _too_large() -> BodyTooLarge:
    limit = settings.API_BODY_LIMIT
    return BodyTooLarge(f"The body is larger than {limit:,} bytes.", {"limit_bytes": limit})


def parse_object(body: bytes) -> dict[str, Any]:
    """The object that the bytes hold. Raises ValidationError for anything else."""
    value = parse_value(body)
    if not isinstance(value, dict):
        refuse("body", "The body has to be a JSON object.")
    return value


def parse_value(body: bytes) -> Any:
    """The JSON value that the bytes hold. Raises ValidationError for anything else."""
    try:
        value = _decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        refuse("body", f"The body is not UTF-8: byte {exc.start}.")
    except json.JSONDecodeError as exc:
        refuse("body", f"The body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}.")
    except RecursionError:
        refuse("body", _TOO_DEEP)
    # Only an escape can bring in a NUL or a lone surrogate, and most bodies hold neither one nor a hundred brackets.
    if b"\\u" in body or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _require_storable(value)
    return value


_TOO_DEEP = f"The body is nested more than {MAX_DEPTH} levels deep."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        refuse(_printable(twice), f'The key "{_printable(twice)}" occurs twice in one object.')
    return made


def _no_constant(name: str) -> NoReturn:
    refuse("body", f"{name} is not JSON.")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        refuse("body", f"The number {text[:40]} is too large.")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        refuse("body", f"The number {text[:40]}... is too large.")
    return int(text)


# Made once: json.loads() would make a decoder for each body.
_decode = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_integer
).decode


def _require_storable(value: Any) -> None:
    for field, text in _texts(value):
        if "\x00" in text:
            refuse(_printable(field), f'"{_printable(field)}" holds a NUL character.')
        try:
            text.encode()
        except UnicodeEncodeError:
            refuse(_printable(field), f'"{_printable(field)}" holds half of a surrogate pair, which is no character.')


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every key and string with the parameter that holds it, without recursion. Refuses what is nested too deep."""
    waiting: list[tuple[str, int, Any]] = [("body", 1, value)]
    if isinstance(value, dict):
        yield from ((name, name) for name in value)
        waiting = [(name, 2, item) for name, item in value.items()]
    while waiting:
        field, level, item = waiting.pop()
        if isinstance(item, str):
            yield field, item
        elif isinstance(item, dict | list):
            if level > MAX_DEPTH:
                refuse(_printable(field), _TOO_DEEP)
            if isinstance(item, dict):
                yield from ((field, key) for key in item)
            waiting += ((field, level + 1, inner) for inner in (item.values() if isinstance(item, dict) else item))


def _printable(name: str) -> str:
    """A client's name for something, safe to send back in JSON and to log."""
    return name.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")[:100]


def query_arguments(request: HttpRequest, allowed: Collection[str]) -> dict[str, str]:
    """The query's arguments. One that is unknown, given twice or holds a NUL raises ValidationError: a mistyped filter
    that is ignored answers a question that nobody asked."""
    given: dict[str, str] = {}
    for name, values in request.GET.lists():
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            refuse(_printable(name), f'The query argument "{_printable(name)}" is unknown. Known here: {known}.')
        if len(values) > 1:
            refuse(name, f'The query argument "{name}" is given {len(values)} times.')
        if "\x00" in values[0]:
            refuse(name, f'The query argument "{name}" holds a NUL character.')
        given[name] = values[0]
    return given
