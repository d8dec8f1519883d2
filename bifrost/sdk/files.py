"""Files: what people upload and runs make. Everywhere else a file is an object that names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.host import Host
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import StepCall, StepOptions, current_step
from bifrost.sdk.tolerant import JSON, plain

__all__ = ["File", "Files", "file_of"]

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What can fail is the way to the store; what is wrong with a file is not tried again.
OPTIONS = StepOptions(retry_policy=RetryPolicy(max_attempts=5))


class File(TypedDict):
    """A file that is kept: as a hint, the parameter is one that somebody uploads."""

    fileId: str
    name: str
    contentType: str
    size: int


class Files:
    """The part of a context that reads and makes files."""

    _host: Host

    async def save_file(self, name: str, content: bytes | str, content_type: str | None = None) -> dict[str, JSON]:
        """Keeps a file with this run, and returns the object that names it, for a result card or the result.

        A step: a run that goes on from its journal has the file that was saved first, whatever the content is now;
        another attempt of the retry policy saves its own. Text is kept as UTF-8. What kind of file it is the name
        says; ValidationError where the content does not fit to that, is too large, or is of a forbidden kind.
        """
        self._host.check()
        kept = _bytes(content)

        async def keep(name: str, content_type: str | None, _run: str) -> JSON:
            return await self._host.save_file(name, content_type, kept)

        if not isinstance(name, str) or not isinstance(content_type, str | None):
            raise ValidationError("The name and the type of a file have to be text", field="name")
        # Its content is no argument: files tell when they were made, and a run that resumes may make another one.
        run = f"{self._host.execution_id}:{self._host.attempt}"
        call = StepCall("save_file", keep, (name, content_type, run), {}, OPTIONS, implicit=True)
        if current_step.get() is not None:
            saved: dict[str, JSON] = await call.function(*call.args)
        else:
            saved = await self._host.step(call)
        return saved

    async def read_file(self, file: Mapping[str, Any]) -> bytes:
        """The content of a file: of a parameter, or of one that this run, its parent or its children saved.

        ValidationError where there is no such file, or where whoever started the run may not read it.
        """
        self._host.check()
        return await self._host.read_file(str(file_of(file)["fileId"]))


def file_of(given: object) -> dict[str, JSON]:
    """The object that names a file, and nothing else. Raises ValidationError for anything else."""
    if not isinstance(given, Mapping) or not is_file_id(given.get("fileId")):
        raise ValidationError(f"A file is an object with a fileId, not {plain(given)!r}"[:300], field="file")
    return {part: plain(given[part]) for part in File.__annotations__ if part in given}


def is_file_id(given: object) -> bool:
    return isinstance(given, str) and _ID.fullmatch(given) is not None


def _bytes(content: object) -> bytes:
    if isinstance(content, str):
        try:
            return content.encode()
        except UnicodeEncodeError:
            raise ValidationError("The text of a file holds half of a surrogate pair", field="content") from None
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise ValidationError(f"The content of a file is bytes or text, not {type(content).__name__}", field="content")
