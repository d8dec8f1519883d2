"""`context.result_card` as authors' tests see it: what a card holds, what replaces what, what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bifrost import testing
from bifrost.sdk.cards import LONGEST_TEXT, MOST_ROWS
from bifrost.sdk.errors import Detached, ValidationError

FILE = {"fileId": "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "name": "a.csv", "contentType": "text/csv", "size": 3}


def card(**parts: Any) -> dict[str, Any]:
    context = testing.context()
    context.result_card("Done", **parts)
    [shown] = context.cards
    return shown


def test_a_card_needs_only_a_title() -> None:
    assert card() == {
        "key": None,
        "title": "Done",
        "tone": "success",
        "text": "",
        "values": {},
        "table": None,
        "columns": [],
        "moreRows": 0,
        "links": [],
        "files": [],
    }


def test_a_card_may_hold_everything() -> None:
    shown = card(
        text="**Three** licences",
        values={"Plan": "E3", "Left": 4, "Until": date(2026, 12, 31)},
        table=[{"Name": "Ann", "Age": 40}, {"Name": "Bob", "Town": "Bern"}],
        links={"Ticket": "https://psa.example/7"},
        files=[FILE],
        tone="warning",
        key="licences",
    )
    assert list(shown["values"].items()) == [("Plan", "E3"), ("Left", 4), ("Until", "2026-12-31")]
    assert shown["columns"] == ["Name", "Age", "Town"], "in the order in which they appear"
    assert shown["table"] == [{"Name": "Ann", "Age": 40}, {"Name": "Bob", "Town": "Bern"}]
    assert shown["links"] == [{"label": "Ticket", "url": "https://psa.example/7"}]
    assert shown["files"] == [FILE]
    assert (shown["tone"], shown["key"]) == ("warning", "licences")


def test_columns_choose_and_order_what_the_table_shows() -> None:
    shown = card(table=[{"a": 1, "b": 2, "c": 3}], columns=["c", "a"])
    assert shown["columns"] == ["c", "a"] and shown["table"] == [{"a": 1, "c": 3}]


def test_rows_may_come_from_anywhere_and_an_empty_table_is_none() -> None:
    assert card(table=({"n": n} for n in range(2)))["table"] == [{"n": 0}, {"n": 1}]
    assert card(table=[], columns=["n"])["table"] is None


@pytest.mark.parametrize(
    "links",
    [
        ["https://a.example"],
        [{"label": "https://a.example", "url": "https://a.example"}],
        [{"url": "https://a.example"}],
        [("https://a.example", "https://a.example")],
    ],
)
def test_links_may_be_a_list(links: Any) -> None:
    assert card(links=links)["links"] == [{"label": "https://a.example", "url": "https://a.example"}]


def test_of_one_key_the_last_card_stands_in_the_place_of_the_first() -> None:
    context = testing.context()
    context.result_card("0 of 2", key="progress")
    context.result_card("Another")
    context.result_card("2 of 2", key="progress")
    context.result_card("Another")
    assert [each["title"] for each in context.cards] == ["2 of 2", "Another", "Another"]


def test_a_plain_workflow_shows_cards_too() -> None:
    context = testing.blocking_context()
    context.result_card("Done", values={"a": 1})
    assert context.cards[0]["values"] == {"a": 1}


def test_what_is_not_json_is_shown_as_it_prints() -> None:
    shown = card(values={"set": {1}, 7: object}, table=[{"nan": float("nan")}])
    assert shown["values"]["set"] == [1] and "object" in shown["values"]["7"]
    assert shown["table"] == [{"nan": "NaN"}]


def test_a_card_is_a_copy() -> None:
    context, row = testing.context(), {"a": 1}
    context.result_card("Done", table=[row])
    row["a"] = 2
    assert context.cards[0]["table"] == [{"a": 1}]


def test_a_long_table_is_cut_and_says_so() -> None:
    shown = card(table=[{"n": n} for n in range(MOST_ROWS + 7)])
    assert len(shown["table"]) == MOST_ROWS and shown["moreRows"] == 7


def test_a_long_text_is_cut_and_says_so() -> None:
    text = card(text="x" * (LONGEST_TEXT + 5))["text"]
    assert text.endswith("x\n\n... (5 more characters)") and len(text) < LONGEST_TEXT + 50


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"tone": "great"}, "tone"),
        ({"tone": ["info"]}, "tone"),
        ({"text": None}, "text"),
        ({"values": ["a"]}, "values"),
        ({"values": {str(n): n for n in range(201)}}, "values"),
        ({"table": "rows"}, "table"),
        ({"table": [["a"]]}, "table"),
        ({"table": [{}], "columns": "abc"}, "columns"),
        ({"table": [{}], "columns": [str(n) for n in range(31)]}, "columns"),
        ({"links": ["javascript:alert(1)"]}, "links"),
        ({"links": {"x": "//evil.example"}}, "links"),
        ({"links": {"x": None}}, "links"),
        ({"links": [7]}, "links"),
        ({"links": [f"/{n}" for n in range(51)]}, "links"),
        ({"files": ["a.csv"]}, "files"),
        ({"files": [{"name": "a.csv"}]}, "files"),
        ({"files": [{"fileId": "../../etc/passwd"}]}, "files"),
        ({"key": ""}, "key"),
        ({"key": "x" * 201}, "key"),
        ({"key": 7}, "key"),
    ],
)
def test_what_no_card_can_have_is_refused(parts: dict[str, Any], field: str) -> None:
    context = testing.context()
    with pytest.raises(ValidationError) as refused:
        context.result_card("Done", **parts)
    assert refused.value.details["field"] == field
    assert context.cards == []


@pytest.mark.parametrize("title", ["", "  ", None, 7, "x" * 201])
def test_a_title_is_text_of_a_line(title: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        testing.context().result_card(title)
    assert refused.value.details["field"] == "title"


def test_a_run_that_was_taken_away_shows_nothing() -> None:
    context = testing.context()
    context._host.detached = True
    with pytest.raises(Detached):
        context.result_card("Done")
    assert context.records == []
