"""The table of the benchmark: medians of rounds, and ratios of figures in the same unit."""

from __future__ import annotations

import pytest

from bench.figures import Book, Ratio, percentile, shown


def rows(book: Book) -> list[list[str]]:
    lines = [line for line in book.table().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_a_figure_is_the_median_of_its_rounds() -> None:
    book = Book()
    for value in (3.0, 1.0, 2.0):
        book.add("commits", "per second", value)
    assert rows(book) == [["commits", "per second", "2.00", "1.00", "3.00", ""]]


def test_figures_keep_the_order_in_which_they_first_came() -> None:
    book = Book()
    for what in ("first", "second", "first"):
        book.add(what, "s", 1)
    assert [row[0] for row in rows(book)] == ["first", "second"]


def test_the_same_name_in_another_unit_is_another_figure() -> None:
    book = Book()
    book.add("a run", "s", 1)
    book.add("a run", "per second", 1000)
    assert [row[1] for row in rows(book)] == ["s", "per second"]


def test_a_ratio_is_taken_to_the_figure_of_that_name_and_unit() -> None:
    book = Book()
    book.add("bare", "s", 2)
    book.add("bare", "per second", 4)
    book.add("ours", "per second", 1, Ratio("bare"))
    assert rows(book)[-1][-1] == "0.25 x bare"


def test_an_inverse_ratio_says_by_how_much_the_other_one_is_larger() -> None:
    book = Book()
    book.add("Bifrost", "per second", 1000)
    book.add("a peer", "per second", 500, Ratio("Bifrost", inverse=True))
    assert rows(book)[-1][-1] == "Bifrost: 2.00 x"


@pytest.mark.parametrize("bare", [None, 0.0])
def test_without_anything_to_compare_with_there_is_no_ratio(bare: float | None) -> None:
    book = Book()
    if bare is not None:
        book.add("bare", "s", bare)
    book.add("ours", "s", 1, Ratio("bare"))
    assert rows(book)[-1][-1] == ""


def test_a_note_is_printed_once_below_the_table() -> None:
    book = Book()
    book.note("Something is missing.")
    book.note("Something is missing.")
    assert book.table().endswith("\n\nSomething is missing.")
    assert book.table().count("missing") == 1


def test_the_document_holds_every_value() -> None:
    book = Book()
    book.add("commits", "s", 1)
    book.add("commits", "s", 3)
    assert book.document()["figures"] == [{"what": "commits", "unit": "s", "median": 2, "values": [1, 3]}]


def test_a_median_that_was_not_taken_is_none() -> None:
    book = Book()
    book.add("commits", "s", 1)
    assert (book.median("commits", "s"), book.median("commits", "per second")) == (1, None)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)], ids=["p50", "p99", "most", "least"]
)
def test_a_percentile_is_one_of_the_values(share: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), share) == expected


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.99) == 7.0


@pytest.mark.parametrize(("number", "text"), [(1234.5, "1,234"), (45.67, "45.7"), (1.234, "1.23"), (0.004, "0.00")])
def test_a_number_is_shown_with_the_digits_that_one_can_use(number: float, text: str) -> None:
    assert shown(number) == text
