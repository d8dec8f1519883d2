"""What a page sends in several parts: JSON, lists, keys and values, and the rows of a group."""

from __future__ import annotations

import pytest

from workflows_app.inputs.reading import read

from .pages import one, sent, typed


def test_json_is_read_and_a_bare_word_is_a_text() -> None:
    assert typed(one("json"), ' {"a": [1, true, null]} ') == ({"a": [1, True, None]}, [])
    assert typed(one("json"), "Berlin") == ("Berlin", [])
    assert typed(one("json"), "  ") == (None, [])


@pytest.mark.parametrize("text", ["{", "{'a': 1}", '{"a": NaN}', "[" * 100_000, '"'])
def test_what_begins_like_json_and_is_none_is_refused_and_kept(text: str) -> None:
    assert typed(one("json"), text) == (text, ["must be JSON"])


def test_a_document_nested_beyond_reason_is_refused() -> None:
    assert "nested" in typed(one("json"), "[" * 200 + "]" * 200)[1][0]


def test_a_list_has_an_entry_on_each_line() -> None:
    assert typed(one("list"), " a \r\n\r\n<b>\n") == (["a", "<b>"], [])
    numbers = one("list", rules={"items": "whole"})
    assert typed(numbers, "1\n2") == ([1, 2], [])
    value, problems = typed(numbers, "1\ntwo")
    assert value == ["1", "two"] and problems == ["has two, which must be a whole number such as 1250"]
    assert typed(one("list"), "a\n" * 10_001)[1] == ["must be at most 10000 lines"]


def test_keys_and_values_are_rows() -> None:
    data = sent(v__it=["0", "2", "7"], v__it__0__key=" a ", v__it__0__value="1", v__it__2__key="b", v__it__9__key="no")
    assert read(one("key_value"), data) == ({"it": {"a": "1", "b": ""}}, [])


def test_a_row_without_a_name_and_a_name_twice_are_told_and_shown_again() -> None:
    nameless = sent(v__it=["0"], v__it__0__value="1")
    assert read(one("key_value"), nameless) == ({"it": [["", "1"]]}, [("it", "has a value without a name")])
    twice = sent(v__it=["0", "1"], v__it__0__key="a", v__it__1__key="a ", v__it__1__value="2")
    assert read(one("key_value"), twice) == ({"it": [["a", ""], ["a", "2"]]}, [("it", "has a twice")])


def test_the_rows_of_a_group_come_in_the_order_of_the_page_without_those_that_are_empty() -> None:
    group = one(
        "group",
        fields=[
            {"name": "mail", "kind": "email"},
            {"name": "n", "kind": "number"},
            {"name": "vip", "kind": "checkbox"},
        ],
    )
    data = sent(v__it=["4", "1", "x", "²", "2"], v__it__4__mail="a@b.example", v__it__1__mail=" ", v__it__2__n="0")
    data["v.it.2.vip"] = "true"
    values, problems = read(group, data)
    assert values == {"it": [{"mail": "a@b.example", "n": None, "vip": False}, {"mail": None, "n": 0, "vip": True}]}
    assert problems == []


def test_a_problem_in_a_row_is_told_at_its_place_among_those_that_are_kept() -> None:
    group = one("group", fields=[{"name": "n", "kind": "number"}])
    data = sent(v__it=["0", "1"], v__it__1__n="1,5")
    values, [(place, _message)] = read(group, data)
    assert place == "it.0.n" and values == {"it": [{"n": "1,5"}]}


def test_more_rows_than_anybody_types_are_not_read() -> None:
    group = one("group", fields=[{"name": "n"}])
    data = sent(v__it=[str(number) for number in range(5_000)], **{f"v__it__{number}__n": "x" for number in range(300)})
    values, _problems = read(group, data)
    assert len(values["it"]) == 200
