"""What a page sends, read as JSON values: in every kind of field, also what nobody should send."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from tests.workflows_app.inputs.test_definition import COLOURS
from workflows_app.inputs.changing import changes, with_added, without_removed
from workflows_app.inputs.reading import prefilled, read

from .pages import BERLIN, HOSTILE, form, one, sent, typed

# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["text", "long_text", "secret"])
def test_texts_are_taken_as_they_are_whatever_they_would_mean_elsewhere(kind: str, text: str) -> None:
    assert typed(one(kind), text) == (text, [])


@pytest.mark.parametrize("kind", ["text", "long_text", "secret", "json", "list", "email", "phone", "choice"])
def test_a_nul_is_no_text(kind: str) -> None:
    _value, problems = typed(one(kind), "a\x00b")
    assert problems


@pytest.mark.parametrize("kind", ["text", "long_text", "secret", "json", "email", "timezone"])
def test_half_a_surrogate_pair_is_no_text(kind: str) -> None:
    assert typed(one(kind), "\ud83d")[1]


def test_blanks_around_a_line_are_no_part_of_it_but_in_a_secret_they_are() -> None:
    assert typed(one("text"), "  Ada  ") == ("Ada", [])
    assert typed(one("email"), " a@b.example ") == ("a@b.example", [])
    assert typed(one("long_text"), "  a\r\nb\n") == ("  a\nb\n", [])
    assert typed(one("secret"), " a ") == (" a ", [])
    for kind in ("text", "long_text"):
        assert typed(one(kind, required=True), " \r\n ") == ("", ["must be filled in"])


def test_a_text_of_a_megabyte_is_taken_where_texts_are_and_nowhere_else() -> None:
    text = "9" * 1_000_000
    assert typed(one("long_text"), text) == (text, [])
    for kind in ("number", "email", "phone", "date", "datetime", "timezone", "choice"):
        value, problems = typed(one(kind), text)
        assert problems == ["is too long"] and len(value) == 10_000


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), (" 5 ", 5), ("-0", 0), ("+5", 5), ("0.50", 0.5), ("1e3", 1000.0), ("-1.5E-2", -0.015), ("007", 7)],
)
def test_numbers_are_read_in_one_notation(text: str, value: float) -> None:
    assert typed(one("number"), text) == (value, [])


@pytest.mark.parametrize(
    "text",
    [
        "1,5",
        "1.000,50",
        "1 000",
        "1_000",
        "0x10",
        "\u0663",
        "\uff15",
        "½",
        "NaN",
        "Infinity",
        "1e999",
        ".5",
        "5.",
        "--5",
        "5%",
        *HOSTILE,
    ],
)
def test_other_notations_are_refused_rather_than_guessed(text: str) -> None:
    value, problems = typed(one("number"), text)
    assert value == text.strip() and problems[0].startswith("must be a number such as")


def test_whole_numbers_are_whole() -> None:
    whole = one("number", rules={"whole": True, "max": 10})
    assert typed(whole, "7") == (7, [])
    assert typed(whole, "7.0") == ("7.0", ["must be a whole number such as 1250"])
    assert typed(whole, "1e1")[1] and typed(whole, "\u0667")[1] and typed(whole, "1" * 41)[1]
    assert typed(whole, "11") == (11, ["must be at most 10"])


# --- dates and times --------------------------------------------------------------------------------------------------


def test_29_february_is_a_day_of_leap_years_alone() -> None:
    assert typed(one("date"), "2028-02-29") == ("2028-02-29", [])
    assert typed(one("date"), "2026-02-29")[1] == ["must be a date such as 2026-01-31"]
    assert typed(one("datetime"), "2100-02-29T10:00")[1]


@pytest.mark.parametrize("text", ["31.01.2026", "1/2/26", "20260131", "2026-W05", "today", "२०२६-०१-०१", *HOSTILE])
def test_other_dates_are_refused(text: str) -> None:
    assert typed(one("date"), text)[1] == ["must be a date such as 2026-01-31"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T09:30", "2026-01-31T08:30:00Z"),
        ("2026-07-31T09:30:15", "2026-07-31T07:30:15Z"),
        ("2026-01-01 00:15", "2025-12-31T23:15:00Z"),
        # The clock shows it twice: the first is meant.
        ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        # Somebody else's zone is said by a program, or by a link.
        ("2026-01-31T09:30:00-05:00", "2026-01-31T09:30:00-05:00"),
    ],
)
def test_a_time_is_one_of_the_persons_clock(text: str, moment: str) -> None:
    assert typed(one("datetime"), text) == (moment, [])


def test_a_time_that_the_clock_skips_does_not_exist() -> None:
    value, problems = typed(one("datetime"), "2026-03-29T02:30")
    assert (value, problems) == (
        "2026-03-29T02:30",
        ["does not exist: the clocks of Europe/Berlin go forward then"],
    )
    assert typed(one("datetime"), "2026-03-29T02:30", ZoneInfo("UTC")) == ("2026-03-29T02:30:00Z", [])


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00", "9999-12-31T23:59", "2026-01-31T24:61", "2026-13-01T10:00", "now"]
)
def test_times_at_the_edge_of_the_calendar_break_nothing(text: str) -> None:
    value, problems = typed(one("datetime"), text, ZoneInfo("Pacific/Kiritimati"))
    assert isinstance(value, str) and (problems or value.endswith("Z"))


def test_time_zones_are_those_there_are() -> None:
    assert typed(one("timezone"), "America/New_York") == ("America/New_York", [])
    for text in ("EST5EDT4", "Europe/Atlantis", "/etc/localtime", *HOSTILE):
        assert typed(one("timezone"), text)[1]


# --- what is chosen ---------------------------------------------------------------------------------------------------


def test_an_option_is_the_value_that_it_was_declared_with() -> None:
    for text, value in (("r", "r"), ("json:5", 5), ("json:true", True)):
        assert typed(one("choice"), text) == (value, [])
        assert typed(one("radio"), text) == (value, [])
    assert typed(one("multiple_choice"), ["r", "json:5", "r"]) == (["r", 5], [])


@pytest.mark.parametrize("text", ["x", "5", "json:6", "json:", "json:{", 'json:["r"]', "json:NaN", *HOSTILE])
def test_what_was_not_offered_is_refused(text: str) -> None:
    for kind in ("choice", "radio"):
        assert typed(one(kind), text)[1] == ["is not among the options"]
    assert typed(one("multiple_choice"), [text, "r"])[1] == ["is not among the options"]


def test_a_text_that_looks_like_an_encoded_option_stays_a_text() -> None:
    odd = one("choice", choices=["json:5", 5])
    assert typed(odd, 'json:"json:5"') == ("json:5", [])


@pytest.mark.parametrize("kind", ["checkbox", "switch"])
def test_what_is_not_ticked_is_false_though_nothing_is_sent(kind: str) -> None:
    assert read(one(kind, default=True), sent(**{"-asked": "v.it"})) == ({"it": False}, [])
    assert typed(one(kind), "true") == (True, [])
    assert typed(one(kind), "<b>") == (False, [])


# --- which fields were asked ------------------------------------------------------------------------------------------


def test_what_the_page_did_not_ask_is_not_read_and_so_keeps_its_default() -> None:
    definition = form({"name": "a", "default": "x"}, {"name": "b", "default": "y"}, {"name": "c", "kind": "switch"})
    assert read(definition, sent(**{"-asked": ["v.b"]}, more="1")) == ({"b": ""}, [])


@pytest.mark.parametrize("mode", ["fixed", "hidden"])
def test_nobody_sends_what_is_fixed_or_hidden(mode: str) -> None:
    assert read(one("text", mode=mode, default="x"), sent(**{"-asked": "v.it"}, v__it="forged")) == ({}, [])


# --- links ------------------------------------------------------------------------------------------------------------


def test_a_link_fills_in_what_is_asked() -> None:
    definition = form(
        {"name": "email", "kind": "email"},
        {"name": "level", "kind": "choice", "choices": COLOURS},
        {"name": "colours", "kind": "multiple_choice", "choices": COLOURS},
        {"name": "team", "kind": "choice", "provider": "teams"},
        {"name": "vip", "kind": "checkbox"},
        {"name": "at", "kind": "datetime"},
    )
    query = QueryDict("email=a@b.example&level=5&colours=r&colours=true&colours=x&team=t1&vip=true&at=2026-01-31T09:30")
    assert prefilled(definition, query, BERLIN) == {
        "email": "a@b.example",
        "level": 5,
        "colours": ["r", True],
        "team": "t1",
        "vip": True,
        "at": "2026-01-31T08:30:00Z",
    }


def test_a_link_says_nothing_of_what_is_not_asked_is_secret_or_cannot_be_read() -> None:
    definition = form(
        {"name": "price", "kind": "number", "mode": "fixed", "default": 5},
        {"name": "password", "kind": "secret"},
        {"name": "file", "kind": "file"},
        {"name": "n", "kind": "number"},
        {"name": "level", "kind": "choice", "choices": COLOURS},
    )
    query = QueryDict("price=1&password=x&file=x&n=1,5&level=x&other=1&v.n=5")
    assert prefilled(definition, query) == {"level": None}


# --- buttons ----------------------------------------------------------------------------------------------------------


def test_the_buttons_of_rows_work_by_a_round_trip() -> None:
    group = one("group", fields=[{"name": "n"}])
    data = sent(v__it=["0", "1"], v__it__0__n="a", v__it__1__n="b", **{"-remove": "v.it.0"})
    assert changes(data)
    assert read(group, without_removed(data))[0] == {"it": [{"n": "b"}]}
    adding = sent(v__it=["0"], v__it__0__n="a", **{"-add": "v.it"})
    assert with_added(group, read(group, adding)[0], adding) == {"it": [{"n": "a"}, {}]}
    assert with_added(group, {}, sent(**{"-add": "v.other"})) == {}
    assert not changes(sent(v__it="0"))
