"""Any JSON value becomes something to read, whatever it is and however much of it there is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as some

from forms_app.portal.runs.readable import MOST_ROWS, Readable, readable

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=5) | some.dictionaries(some.text(max_size=10), inner, max_size=5),
    max_leaves=30,
)
KINDS = {"text", "link", "file", "hidden", "list", "pairs", "table", "nothing"}


def kinds_in(value: Readable) -> set[str]:
    inner = [*value.entries, *(each for _, each in value.pairs), *(cell for row in value.rows for cell in row)]
    return {value.kind}.union(*(kinds_in(each) for each in inner))


@given(JSON)
def test_every_value_is_of_a_kind_that_pages_know(value: Any) -> None:
    assert kinds_in(readable(value)) <= KINDS


def test_rows_of_one_kind_are_a_table_and_what_one_lacks_is_empty() -> None:
    table = readable([{"name": "a", "size": 1}, {"name": "b", "is_new": True}])
    assert (table.kind, table.columns) == ("table", ("Name", "Size", "Is new"))
    assert [[cell.text for cell in row] for row in table.rows] == [["a", "1", ""], ["b", "", "Yes"]]


def test_what_is_no_table_is_a_list() -> None:
    assert readable([1, "b"]).kind == "list"
    assert readable([{"a": 1}, 2]).kind == "list"
    assert readable([{str(number): 1 for number in range(40)}]).kind == "list", "too wide"


def test_only_what_is_an_address_of_the_web_is_a_link() -> None:
    assert readable("https://desk.example/7?a=b").kind == "link"
    for text in (
        "javascript:alert(1)",
        "https://",
        "see https://desk.example",
        'https://a"onclick',
        "data:text/html,x",
    ):
        assert readable(text).kind == "text", text


def test_secrets_are_hidden_and_nothing_is_nothing() -> None:
    assert readable("REDACTED").kind == "hidden"
    assert {readable(nothing).kind for nothing in (None, "", [], {})} == {"nothing"}
    assert [readable(value).text for value in (0, False, 0.5)] == ["0", "No", "0.5"]


def test_a_file_is_named() -> None:
    id_ = str(uuid4())
    found = readable({"fileId": id_, "name": "a.pdf", "size": 1, "contentType": "application/pdf"})
    assert (found.kind, found.text, found.file["fileId"]) == ("file", "a.pdf", id_)
    assert readable([{"fileId": id_, "name": "a.pdf"}]).entries[0].kind == "file"
    for odd in ("x", "", None, 7, f"{id_}/..", id_.upper()):
        assert readable({"fileId": odd, "name": "a.pdf"}).kind == "pairs", odd


def test_much_of_it_is_cut_and_says_so() -> None:
    assert readable(list(range(MOST_ROWS + 7))).more == 7
    assert readable([{"a": 1}] * (MOST_ROWS + 7)).more == 7
    assert readable({str(number): 1 for number in range(MOST_ROWS + 7)}).more == 7
    assert readable([1]).more == 0
