"""Whether a file may be kept: its name, its size, and that its content is what name and sender say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from bifrost.sdk.errors import ValidationError
from workflows_app.errors import PlatformUnavailable
from workflows_app.files import names
from workflows_app.files.kinds import (
    BY_TYPE,
    FORBIDDEN_EXTENSIONS,
    FORBIDDEN_SIGNS,
    FORBIDDEN_TYPES,
    KINDS,
    OTHER,
    Kind,
)
from workflows_app.files.sniffing import sign_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is kept of a file that passed. `scanned`: a virus scan was among its checks."""

    name: str
    content_type: str
    scanned: bool


def check(name: str, content_type: str | None, content: bytes) -> Checked:
    """Raises ValidationError that says what is wrong, and PlatformUnavailable where the virus scan fails.

    `content_type` is what the sender calls it; what it is kept as, the name says.
    """
    name = names.composed(name)
    if (problem := names.problem_of(name)) is not None:
        _refuse(f"The name of a file {problem}.")
    if len(content) > settings.FILE_LIMIT:
        _refuse(f'"{name}" has {len(content):,} bytes; the limit is {settings.FILE_LIMIT:,}.')
    kept_as = _type_of(name, (content_type or "").partition(";")[0].strip().lower(), content)
    return Checked(name, kept_as, _scan(name, content))


def _type_of(name: str, declared: str, content: bytes) -> str:
    extension = names.extension_of(name)
    if extension in FORBIDDEN_EXTENSIONS or declared in FORBIDDEN_TYPES:
        _refuse(f'"{name}" is of a kind that is not taken here.')
    sign = sign_of(content)
    if sign in FORBIDDEN_SIGNS:
        _refuse(f'"{name}" is {FORBIDDEN_SIGNS[sign]}, which is not taken here.')
    kind = KINDS.get(extension) or BY_TYPE.get(declared)
    if kind is None:
        return OTHER
    if sign not in kind.signs:
        _refuse(f'"{name}" does not hold what its name or type says.')
    if not _fits(declared, kind):
        _refuse(f'"{name}" was sent as {declared[:100]}, which is not what its name says.')
    return kind.content_type


def _fits(declared: str, kind: Kind) -> bool:
    """Whether the sender's word for it is one for this kind; many senders know none."""
    return declared in {"", OTHER, "binary/octet-stream", kind.content_type} or declared in kind.aliases


def _scan(name: str, content: bytes) -> bool:
    """Whether there is a virus scan, which let it pass. One that fails lets nothing pass."""
    if not settings.FILE_SCAN:
        return False
    try:
        found = import_string(settings.FILE_SCAN)(name, content)
    except Exception as error:
        log.exception("the virus scan failed", file=name)
        raise PlatformUnavailable("The file could not be scanned for viruses now. Try again.") from error
    if found is not None:
        log.warning("the virus scan refused a file", file=name, found=str(found))
        _refuse(f'"{name}" was refused by the virus scan.')
    return True


def _refuse(message: str) -> NoReturn:
    raise ValidationError(message, field="file", details={"errors": [{"field": "file", "message": message}]})
