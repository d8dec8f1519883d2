"""What a person typed or chose in a page, as JSON values.

What cannot be read is a problem of its field, or stays as it was typed, so that the definition's validation tells what
is wrong with it and the page can show it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs import typed
from workflows_app.inputs.conditions import is_empty
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import TICKED, Field
from workflows_app.inputs.judging import MOST_FILES
from workflows_app.inputs.naming import ASKED, KEPT, MOST_ROWS, PREFIX, among, option_value
from workflows_app.inputs.uploads import fits

Problems = list[tuple[str, str]]
# Longer texts are nobody's numbers, dates or options.
LONGEST_WORD = 10_000
_NOT_IN_LINKS = ("secret", "file", "group", "key_value")


@dataclass(frozen=True)
class Files:
    """What a page does with files: `store` keeps one and returns the value of its field (ValidationError where it is
    refused). Where the rest of the form was wrong, `token` is what the page remembers of it, and `recall` the value
    again, or None where it was not this person's token.
    """

    store: Callable[[UploadedFile[Any]], JSON]
    token: Callable[[JSON], str]
    recall: Callable[[str], JSON]


def read(
    definition: Definition,
    data: QueryDict,
    files: MultiValueDict[str, UploadedFile[Any]] | None = None,
    *,
    zone: ZoneInfo | None = None,
    keeping: Files | None = None,
) -> tuple[dict[str, JSON], Problems]:
    """The values of the fields that the page asked, and what could not be read of them.

    A date and time is one of the person's time zone `zone`. Without `keeping`, files are refused.
    """
    reader = _Reader(data, files or MultiValueDict(), zone or ZoneInfo("UTC"), keeping)
    asked = set(data.getlist(ASKED))
    for each in definition.fields:
        name = PREFIX + each.name
        if each.mode == "asked" and (name in asked or name in data or name in reader.files):
            reader.take(each, name, each.name)
    return reader.values, reader.problems


def prefilled(definition: Definition, query: QueryDict, zone: ZoneInfo | None = None) -> dict[str, JSON]:
    """What a link says of the fields: of those that are asked, no secret or file, and only what can be read and is
    among the choices where there are any."""
    reader = _Reader(query, MultiValueDict(), zone or ZoneInfo("UTC"), None)
    for each in definition.fields:
        if each.mode == "asked" and each.name in query and each.kind not in _NOT_IN_LINKS:
            reader.take(each, each.name, each.name)
            if each.choices:
                _keep_choices(each, reader.values)
    unread = {place for place, _problem in reader.problems}
    return {name: value for name, value in reader.values.items() if name not in unread}


def _keep_choices(asked: Field, values: dict[str, JSON]) -> None:
    known = [choice.value for choice in asked.choices]
    given = values[asked.name] if asked.kind == "multiple_choice" else [values[asked.name]]
    found = [match for value in given if (match := among(value, known)) is not None]
    values[asked.name] = found if asked.kind == "multiple_choice" else next(iter(found), None)


@dataclass
class _Reader:
    data: QueryDict
    files: MultiValueDict[str, UploadedFile[Any]]
    zone: ZoneInfo
    keeping: Files | None
    values: dict[str, JSON] = field(default_factory=dict)
    problems: Problems = field(default_factory=list)

    def take(self, asked: Field, name: str, place: str) -> None:
        """Reads one field, whose input has this name, into the values under the field's own name."""
        read_it = _READERS.get(asked.kind, _Reader.word)
        try:
            self.values[asked.name] = read_it(self, asked, name)
        except typed.Unreadable as unreadable:
            self.values[asked.name] = unreadable.shown
            self.problems.append((place, str(unreadable)))

    def word(self, asked: Field, name: str) -> JSON:
        """One input with a text, read as the kind of the field wants it."""
        text = self.data.get(name, "")
        if len(text) > LONGEST_WORD:
            raise typed.Unreadable(_("is too long"), text[:LONGEST_WORD])
        return _WORDS[asked.kind](asked, text.strip(), self.zone) if text.strip() else None

    def text(self, asked: Field, name: str) -> JSON:
        text = self.data.get(name, "").replace("\r\n", "\n")
        if asked.kind == "secret":
            return text or None
        return text if asked.kind == "long_text" and text.strip() else text.strip()

    def ticked(self, _asked: Field, name: str) -> JSON:
        return self.data.get(name, "") in ("true", "on")

    def several(self, _asked: Field, name: str) -> JSON:
        return list(map(_option, dict.fromkeys(self.data.getlist(name))))

    def lines(self, asked: Field, name: str) -> JSON:
        return typed.lines(asked, self.data.get(name, ""))

    def document(self, _asked: Field, name: str) -> JSON:
        return typed.document(self.data.get(name, ""))

    def pairs(self, _asked: Field, name: str) -> JSON:
        rows = self.row_numbers(name)
        return typed.pairs(
            [(self.data.get(f"{name}.{row}.key", ""), self.data.get(f"{name}.{row}.value", "")) for row in rows]
        )

    def group(self, asked: Field, name: str) -> JSON:
        """Its rows; those that hold nothing are left out, so that places are those of the rows that are kept."""
        rows: list[dict[str, JSON]] = []
        for row in self.row_numbers(name):
            inner = _Reader(self.data, self.files, self.zone, None)
            for each in asked.fields:
                if each.mode == "asked":
                    inner.take(each, f"{name}.{row}.{each.name}", f"{asked.name}.{len(rows)}.{each.name}")
            if not all(map(is_empty, inner.values.values())):
                rows.append(inner.values)
                self.problems += inner.problems
        return rows

    def row_numbers(self, name: str) -> list[str]:
        numbers = dict.fromkeys(number for number in self.data.getlist(name) if number.isascii() and number.isdigit())
        return list(numbers)[:MOST_ROWS]

    def uploaded(self, asked: Field, name: str) -> JSON:
        """What was kept before, and what comes with this try. One new file takes the place of one kept before."""
        new = self.files.getlist(name)
        if self.keeping is None:
            if new:
                raise typed.Unreadable(_("cannot take a file here"), None)
            return None
        kept = list(filter(None, map(self.keeping.recall, self.data.getlist(f"{name}.{KEPT}"))))
        several = bool(asked.rules.get("many"))
        if len(new) + len(kept) > MOST_FILES:
            raise typed.Unreadable(_("must be at most {most} files").format(most=MOST_FILES), kept or None)
        stored, wrong = self._stored(asked, new, self.keeping)
        files = [*kept, *stored] if several or not stored else stored
        shown = files if several else (files[0] if files else None)
        if wrong:
            raise typed.Unreadable(wrong, shown)
        return shown

    @staticmethod
    def _stored(asked: Field, new: list[UploadedFile[Any]], keeping: Files) -> tuple[list[JSON], str]:
        """What was stored of them, and why another one was not."""
        stored: list[JSON] = []
        for upload in new:
            wrong = fits(asked.rules, upload.name or "", upload.size or 0)
            try:
                if wrong is None:
                    stored.append(keeping.store(upload))
            except ValidationError as refused:
                wrong = refused.message
            if wrong is not None:
                return stored, f"{wrong} ({upload.name})"
        return stored, ""


def _option(text: str) -> JSON:
    try:
        return option_value(text)
    except ValueError:
        return text


_READERS: Mapping[str, Callable[[_Reader, Field, str], JSON]] = {
    **dict.fromkeys(TICKED, _Reader.ticked),
    **dict.fromkeys(("text", "long_text", "secret"), _Reader.text),
    "multiple_choice": _Reader.several,
    "list": _Reader.lines,
    "json": _Reader.document,
    "key_value": _Reader.pairs,
    "group": _Reader.group,
    "file": _Reader.uploaded,
}
_WORDS: Mapping[str, Callable[[Field, str, ZoneInfo], JSON]] = {
    "number": lambda asked, text, _zone: typed.number(text, whole=bool(asked.rules.get("whole"))),
    "datetime": lambda _asked, text, zone: typed.moment(text, zone),
    **dict.fromkeys(("choice", "radio"), lambda _asked, text, _zone: _option(text)),
    **dict.fromkeys(("email", "phone", "date", "timezone"), lambda _asked, text, _zone: text),
}
