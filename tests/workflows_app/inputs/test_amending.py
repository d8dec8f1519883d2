"""What may be changed before it is approved, as a page: shown as it is, and only what was touched is a change."""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from bifrost.sdk.forms import Form
from orgs.records import OrganizationRecord
from tests.factories import make_actor
from workflows_app.inputs import amending as module
from workflows_app.inputs.amending import Changed, Changes, Page
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import Choice
from workflows_app.inputs.from_parameters import definition_of
from workflows_app.inputs.offering import Offer
from workflows_app.inputs.untouched import as_sent

REDACTED = "REDACTED"
FILE = {"fileId": str(uuid4()), "name": "a.pdf", "contentType": "application/pdf", "size": 3}
ITEMS: list[dict[str, Any]] = [
    {"name": "kind", "kind": "choice", "choices": ["home", "office"], "required": True},
    {"name": "address", "required": True, "visibleWhen": {"field": "kind", "is": "equals", "value": "home"}},
    {"name": "sure", "kind": "checkbox", "sent": False},
    {"name": "note", "kind": "long_text", "visibleWhen": {"field": "sure", "is": "equals", "value": True}},
    {"name": "at", "kind": "datetime"},
    {"name": "files", "kind": "file", "rules": {"many": True}},
    {"name": "lines", "kind": "group", "fields": [{"name": "item"}, {"name": "count", "kind": "number"}]},
    {"name": "labels", "kind": "key_value"},
    {"name": "code", "kind": "secret", "required": True},
    {"name": "origin", "mode": "hidden", "default": "portal"},
]
VALUES: dict[str, Any] = {
    "kind": "home",
    "address": "1 Long Road",
    "note": "as agreed",
    "at": "2026-12-03T22:30:15Z",
    "files": [FILE],
    "lines": [{"item": "a", "count": 2}, {"item": "b"}],
    "labels": {"floor": "3"},
    "code": REDACTED,
    "origin": "portal",
}


def changes_of(organization: OrganizationRecord, items: Any, values: dict[str, Any], **given: Any) -> Changes:
    definition = items if isinstance(items, Definition) else Definition.read(items)
    page = Page(organization, make_actor(), ZoneInfo("Asia/Tokyo"), given.pop("url", ""))
    known = given.pop("known", [field.name for field in definition.fields])
    return Changes.of(page, definition, values, known, **given)


def touched(changes: Changes, **typed: str | list[str] | None) -> Changed:
    """What comes of a page on which this was typed over what stood there; None: emptied altogether."""
    data = as_sent(changes.begin())
    for name, text in typed.items():
        data.setlist(f"v.{name}", [] if text is None else text if isinstance(text, list) else [text])
    return changes.read(QueryDict(data.urlencode()))


def question(organization: OrganizationRecord, fields: dict[str, Any], shown: dict[str, Any] | None = None) -> Changes:
    """Of a run, in its middle."""
    form = Form.declared(fields)
    said = form.as_json(shown)
    definition = definition_of(Form.from_json(said), {})
    return changes_of(organization, definition, {each["name"]: each["initial"] for each in said if "initial" in each})


def test_a_page_that_nobody_touched_changes_nothing(acme: OrganizationRecord) -> None:
    changed = touched(changes_of(acme, ITEMS, VALUES))
    assert (changed.values, changed.left_out, changed.wrong) == ({}, frozenset(), False)


@pytest.mark.parametrize(
    "value",
    [
        *("x", " x ", "", "two\nlines", "y" * 200, "2026-12-03", REDACTED, 7, -0.5, True),
        *(["a"], [1, 2], [1.5], ["a\nb"], [{"a": 1}], [None], [], ["a", REDACTED]),
        *({}, {"a": "b"}, {"a": {"b": REDACTED}}),
    ],
)
def test_whatever_a_run_shows_it_stays_as_it_is_where_nobody_touches_it(acme: OrganizationRecord, value: Any) -> None:
    own = "string" if isinstance(value, str) else type(value).__name__
    for kind in ("json", own):
        changed = touched(question(acme, {"value": {"type": kind, "default": value}, "other": "x"}), other="y")
        assert (changed.values, changed.left_out, changed.wrong) == ({"other": "y"}, frozenset(), False)


def test_only_what_was_touched_is_a_change(acme: OrganizationRecord) -> None:
    changed = touched(changes_of(acme, ITEMS, VALUES), at="2026-12-04T09:00", note="  ")
    assert changed.values == {"at": "2026-12-04T00:00:00Z"} and changed.left_out == {"note"}
    changes = changes_of(acme, ITEMS, VALUES)
    assert touched(changes, **{"lines.1.count": "5"}).values == {
        "lines": [{"item": "a", "count": 2}, {"item": "b", "count": 5}]
    }
    assert touched(changes, **{"labels.1.key": "room", "labels.1.value": "12"}).values == {
        "labels": {"floor": "3", "room": "12"}
    }
    assert touched(changes, **{"files.kept": None}).left_out == {"files"}


def test_a_list_is_lines_and_stays_a_list_of_what_it_held(acme: OrganizationRecord) -> None:
    changes = question(acme, {"tags": ["new", "blue"], "sizes": [1, 2]})
    html = render_to_string("inputs/form.html", {"asked": changes.begin()})
    assert ">\nnew\nblue</textarea>" in html and "[" not in html.partition("<textarea")[2].partition("</textarea>")[0]
    assert touched(changes, tags="new\r\nred", sizes="1\n3").values == {"tags": ["new", "red"], "sizes": [1, 3]}
    [problem] = touched(changes, sizes="1\nmany").asked.problems
    assert problem[0] == "sizes" and "whole number" in problem[1]


def test_a_secret_is_never_in_the_page_and_another_one_takes_its_place(acme: OrganizationRecord) -> None:
    changes = changes_of(acme, [*ITEMS, {"name": "token"}], {**VALUES, "token": REDACTED, "code": "hunter22"})
    html = render_to_string("inputs/form.html", {"asked": changes.begin()})
    assert "hunter22" not in html and REDACTED not in html and html.count("Left empty, it stays as it is.") == 2
    assert touched(changes, token="abc").values == {"token": "abc"}


def test_what_a_change_makes_superfluous_is_left_out_and_what_it_asks_for_must_be_given(
    acme: OrganizationRecord,
) -> None:
    gone = touched(changes_of(acme, ITEMS, VALUES), kind="office")
    assert gone.values == {"kind": "office"} and gone.left_out == {"address"}
    before = {**VALUES, "kind": "office", "address": None}
    asked = changes_of(acme, ITEMS, before)
    data = as_sent(asked.begin())
    data.setlist("v.kind", ["home"])
    data.appendlist("-asked", "v.address")
    [problem] = asked.read(QueryDict(data.urlencode())).asked.problems
    assert problem == ("address", "must be filled in")


def test_what_hangs_on_an_answer_that_was_not_kept_is_asked_all_the_same(acme: OrganizationRecord) -> None:
    changes = changes_of(acme, ITEMS, VALUES, known=list(VALUES))
    names = {item.control.field.name for item in changes.begin().items if item.control and item.seen}
    assert "note" in names and "sure" not in names


def test_the_author_s_names_may_be_any(acme: OrganizationRecord) -> None:
    changes = question(acme, {"How many?": 3, "a.b": "x"})
    html = render_to_string("inputs/form.html", {"asked": changes.begin()})
    assert 'for="i-v-How-many?"' in html and 'id="i-v-How-many?"' in html
    assert touched(changes, **{"How many?": "4", "a.b": "y"}).values == {"How many?": 4, "a.b": "y"}
    problems = dict(touched(changes, **{"How many?": "x", "a.b": "y"}).asked.problems)
    assert "must be a whole number" in problems["How many?"]


def test_buttons_of_the_page_change_it_and_decide_nothing(acme: OrganizationRecord) -> None:
    changes = changes_of(acme, ITEMS, VALUES)
    data = as_sent(changes.begin())
    assert changes.again(data) is None
    data["-add"] = "v.lines"
    added = changes.again(data)
    assert added is not None and len(added.control("lines").rows) == 3
    del data["-add"]
    data["-remove"] = "v.lines.0"
    removed = changes.again(data)
    assert removed is not None and [row.number for row in removed.control("lines").rows] == ["0"]
    assert removed.control("lines").rows[0].controls[0][0].text == "b"


# --- options ----------------------------------------------------------------------------------------------------------

PROVIDED: list[dict[str, Any]] = [
    {"name": "country"},
    {"name": "town", "kind": "choice", "provider": "towns", "inputs": {"country": "country"}},
]


@pytest.fixture
def towns(monkeypatch: pytest.MonkeyPatch) -> list[Offer]:
    """What the data provider offers; the last one."""
    made = [Offer((Choice("oslo", "Oslo"),))]
    monkeypatch.setattr(module, "offer", lambda *_, **__: made[-1])
    monkeypatch.setattr(module, "offers", lambda *_: {"town": made[-1]})
    return made


def offered(changes: Changes, **typed: str) -> list[tuple[str, bool]]:
    asked = changes.again(QueryDict("-update=true&" + "&".join(f"v.{name}={text}" for name, text in typed.items())))
    assert asked is not None
    return [(option.label, option.chosen) for option in asked.control("town").options]


def test_what_was_asked_for_can_be_kept_though_it_is_offered_no_more(
    acme: OrganizationRecord, towns: list[Offer]
) -> None:
    labels = {"town": {"rome": "Roma"}}
    changes = changes_of(acme, PROVIDED, {"country": "it", "town": "rome"}, labels=labels, url="/options/")
    assert offered(changes, country="it", town="rome") == [("Oslo", False), ("Roma", True)]
    towns.append(Offer(error="It is away."))
    assert offered(changes, country="it", town="rome") == [("Roma", True)]
    assert offered(changes, country="no", town="rome") == [], "of another country it never was one"


def test_without_an_address_for_them_options_are_there_at_once(acme: OrganizationRecord, towns: list[Offer]) -> None:
    values = {"country": "no", "town": "oslo"}
    at_once = changes_of(acme, PROVIDED, values).begin()
    assert [option.label for option in at_once.control("town").options] == ["Oslo"]
    assert changes_of(acme, PROVIDED, values, url="/options/").begin().offers == {}


def test_of_a_provider_that_cannot_be_asked_what_was_chosen_is_all_there_is(
    acme: OrganizationRecord, towns: list[Offer]
) -> None:
    changes = changes_of(acme, PROVIDED, {"town": "oslo"}, known=["town"], labels={"town": {"oslo": "Oslo"}})
    assert [option.label for option in changes.begin().control("town").options] == ["Oslo"]
    assert touched(changes).values == {}
