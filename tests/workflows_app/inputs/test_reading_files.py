"""Files that come with a page, and those that came before."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.reading import Files, read

from .pages import one, sent

PDF = b"%PDF-1.7"


class Shelf:
    """Keeps files as a test wants it: refuses what it is told to."""

    def __init__(self, refused: str = "") -> None:
        self.stored: list[str] = []
        self.files = Files(self._store, lambda file: f"token {file['name']}", self._recall)
        self._refused = refused

    def _store(self, upload: Any) -> JSON:
        if self._refused:
            raise ValidationError(self._refused)
        self.stored.append(upload.name)
        return {"name": upload.name, "size": upload.size}

    @staticmethod
    def _recall(token: str) -> JSON:
        return {"name": token.removeprefix("token "), "size": 1} if token.startswith("token ") else None


def uploaded(definition: Definition, *uploads: SimpleUploadedFile, shelf: Shelf | None, **texts: Any) -> Any:
    files: Any = MultiValueDict({"v.it": list(uploads)})
    data = sent(**{"-asked": "v.it"}, **texts)
    values, problems = read(definition, data, files, keeping=shelf.files if shelf else None)
    return values["it"], [message for _place, message in problems]


def test_a_file_is_stored_and_its_value_is_what_the_shelf_says() -> None:
    shelf = Shelf()
    assert uploaded(one("file"), SimpleUploadedFile("a.PDF", PDF), shelf=shelf) == ({"name": "a.PDF", "size": 8}, [])
    assert uploaded(one("file"), shelf=shelf) == (None, [])


@pytest.mark.parametrize("name", ["a.pdf.exe", "a.exe", "pdf", "a", "a.pdf ", "a.html"])
def test_a_file_of_another_type_is_not_even_stored_whatever_it_calls_itself(name: str) -> None:
    shelf = Shelf()
    value, [problem] = uploaded(one("file"), SimpleUploadedFile(name, PDF, "application/pdf"), shelf=shelf)
    assert value is None and shelf.stored == []
    assert problem.startswith("must be of the type .pdf, image/*")


def test_a_file_that_is_too_large_is_not_stored() -> None:
    shelf = Shelf()
    value, [problem] = uploaded(one("file"), SimpleUploadedFile("a.pdf", b"x" * 101), shelf=shelf)
    assert (value, shelf.stored) == (None, []) and problem == "must be at most 100\xa0bytes (a.pdf)"


def test_what_the_shelf_refuses_is_told_at_the_field() -> None:
    disguised = Shelf("is a program, whatever its name says")
    assert uploaded(one("file"), SimpleUploadedFile("a.pdf", b"MZ"), shelf=disguised) == (
        None,
        ["is a program, whatever its name says (a.pdf)"],
    )


def test_files_are_refused_where_nobody_keeps_them() -> None:
    assert uploaded(one("file"), SimpleUploadedFile("a.pdf", PDF), shelf=None) == (None, ["cannot take a file here"])


def test_a_file_that_was_kept_need_not_be_sent_again_and_a_new_one_takes_its_place() -> None:
    kept = {"v__it__kept": ["token old.pdf", "forged"]}
    assert uploaded(one("file"), shelf=Shelf(), **kept) == ({"name": "old.pdf", "size": 1}, [])
    new = uploaded(one("file"), SimpleUploadedFile("new.pdf", PDF), shelf=Shelf(), **kept)
    assert new == ({"name": "new.pdf", "size": 8}, [])


def test_a_field_of_many_files_takes_ten() -> None:
    many = one("file", rules={"many": True})
    both, problems = uploaded(many, SimpleUploadedFile("b", PDF), shelf=Shelf(), v__it__kept="token a")
    assert ([each["name"] for each in both], problems) == (["a", "b"], [])
    shelf = Shelf()
    _value, problems = uploaded(many, *(SimpleUploadedFile(str(n), PDF) for n in range(11)), shelf=shelf)
    assert problems == ["must be at most 10 files"] and shelf.stored == []
