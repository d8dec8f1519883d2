"""What a page sends, read as JSON values: in every kind of field, also what nobody should send."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from tests.workflows_app.inputs.test_definition import COLOURS, PARTS
from workflows_app.inputs.changing import changes, with_added, without_removed
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.reading import Files, prefilled, read

BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE orgs_organization; --",
    "{{ request.user.password }}{% debug %}${7*7}#{7*7}",
    "../../etc/passwd",
    "=HYPERLINK(1)",
    "\u202egnp.exe",
]


def form(*fields: dict[str, Any]) -> Definition:
    return Definition.read(list(fields))


def one(kind: str, **parts: Any) -> Definition:
    return form({"name": "it", "kind": kind, **PARTS.get(kind, {}), **parts})


def sent(**texts: str | list[str]) -> QueryDict:
    """As a page sends it: `v_it_0_key` is the input "v.it.0.key"."""
    data = QueryDict(mutable=True)
    for name, text in texts.items():
        data.setlist(name.replace("__", "."), text if isinstance(text, list) else [text])
    return data


def typed(definition: Definition, text: str | list[str], zone: ZoneInfo = BERLIN) -> tuple[JSON, list[str]]:
    """What the field "it" is read as, and what is wrong with it, by reading or by the definition."""
    values, problems = read(definition, sent(v__it=text), zone=zone)
    found = [message for _place, message in problems]
    try:
        definition.validate(values)
    except ValidationError as invalid:
        found += [each["message"] for each in invalid.details["errors"] if not found]
    return values["it"], found


# --- texts -------------------------------------------------------------------------------------------------------


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


# --- numbers -----------------------------------------------------------------------------------------------------


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


# --- dates and times ---------------------------------------------------------------------------------------------


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


# --- what is chosen ----------------------------------------------------------------------------------------------


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


# --- what has parts ----------------------------------------------------------------------------------------------


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


# --- files -------------------------------------------------------------------------------------------------------

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


# --- which fields were asked -------------------------------------------------------------------------------------


def test_what_the_page_did_not_ask_is_not_read_and_so_keeps_its_default() -> None:
    definition = form({"name": "a", "default": "x"}, {"name": "b", "default": "y"}, {"name": "c", "kind": "switch"})
    assert read(definition, sent(**{"-asked": ["v.b"]}, more="1")) == ({"b": ""}, [])


@pytest.mark.parametrize("mode", ["fixed", "hidden"])
def test_nobody_sends_what_is_fixed_or_hidden(mode: str) -> None:
    assert read(one("text", mode=mode, default="x"), sent(**{"-asked": "v.it"}, v__it="forged")) == ({}, [])


# --- links -------------------------------------------------------------------------------------------------------


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


# --- buttons -----------------------------------------------------------------------------------------------------


def test_the_buttons_of_rows_work_by_a_round_trip() -> None:
    group = one("group", fields=[{"name": "n"}])
    data = sent(v__it=["0", "1"], v__it__0__n="a", v__it__1__n="b", **{"-remove": "v.it.0"})
    assert changes(data)
    assert read(group, without_removed(data))[0] == {"it": [{"n": "b"}]}
    adding = sent(v__it=["0"], v__it__0__n="a", **{"-add": "v.it"})
    assert with_added(group, read(group, adding)[0], adding) == {"it": [{"n": "a"}, {}]}
    assert with_added(group, {}, sent(**{"-add": "v.other"})) == {}
    assert not changes(sent(v__it="0"))
