"""What an author asks of a person, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from pydantic_core import SchemaValidator
from pydantic_core import ValidationError as Invalid

from bifrost.sdk.caller import Caller
from bifrost.sdk.documents import size
from bifrost.sdk.durable import length
from bifrost.sdk.errors import DeclarationError, TooLarge
from bifrost.sdk.forms import Form
from bifrost.sdk.questions import Asked
from bifrost.sdk.shapes import Shape
from bifrost.sdk.tolerant import plain

#: Titles and permissions are stored in columns of these lengths.
MAX_TITLE = 200
MAX_PERMISSION = 50
MAX_MESSAGE = 10_000
#: A person has to read it.
MAX_FORM_BYTES = 64_000
MAX_APPROVERS = 50


def asked(
    title: Any,
    form: Mapping[str, Any] | None,
    approvers: str | Iterable[str] | None,
    timeout: float | timedelta | None,
    message: str,
    caller: Caller,
) -> Asked:
    """Checks what an author asks. Raises DeclarationError, and TooLarge for a form or message that nobody reads."""
    text = str(plain(title)).strip()[:MAX_TITLE]
    if not text:
        raise DeclarationError("An approval needs a title")
    declared = None if form is None else Form.declared(form)
    if declared is not None and (bytes_ := size(declared.as_json())) > MAX_FORM_BYTES:
        raise TooLarge(f"The form of the approval has {bytes_:,} bytes; the limit is {MAX_FORM_BYTES:,}.")
    if len(said := str(plain(message))) > MAX_MESSAGE:
        raise TooLarge(f"The message of the approval has {len(said):,} characters; the limit is {MAX_MESSAGE:,}.")
    permission, people = _of_whom(approvers, caller)
    limit = None if timeout is None else length("timeout", timeout)
    return Asked(text, said, declared, permission, people, limit)


def _of_whom(approvers: Any, caller: Caller) -> tuple[str, tuple[str, ...] | None]:
    if approvers is None:
        return "canApprove", None
    if isinstance(approvers, str) and "@" not in approvers:
        if not 0 < len(approvers) <= MAX_PERMISSION:
            raise DeclarationError(f"A permission has a name of 1 to {MAX_PERMISSION} characters, not {approvers!r}")
        return approvers, None
    named = [approvers] if isinstance(approvers, str) else list(approvers)
    if not 0 < len(named) <= MAX_APPROVERS:
        raise DeclarationError(f"approvers names 1 to {MAX_APPROVERS} people; it names {len(named)}")
    people = tuple(dict.fromkeys(_address(each) for each in named))
    if people == (caller.email.lower(),):
        raise DeclarationError(f"approvers names {caller.email} alone, who started this run and cannot approve it")
    return "", people


def _address(value: object) -> str:
    try:
        return str(SchemaValidator(Shape("email").schema()).validate_python(value)).lower()
    except Invalid:
        raise DeclarationError(f"approvers has {value!r}, which is no e-mail address") from None
