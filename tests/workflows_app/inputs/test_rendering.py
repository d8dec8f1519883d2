"""A definition as a page: each kind of field is labelled, described, escaped, and read back as it was shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from tests.workflows_app.inputs.pages import HOSTILE
from tests.workflows_app.inputs.test_definition import COLOURS, FILE, GOOD, PARTS
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import KINDS, Choice
from workflows_app.inputs.offering import Offer
from workflows_app.inputs.reading import read
from workflows_app.inputs.rendering import Asked

BERLIN = ZoneInfo("Europe/Berlin")
VOID = {"input", "br", "link", "meta", "hr", "img"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements in order, each with its attributes and the text below it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(html)
        assert self._open == [], [self.elements[number][0] for number in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _value in attrs}) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID and not (tag == "option" and self._in("datalist")):
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self._open:
            self.elements[number][2].append(data)

    def _in(self, tag: str) -> bool:
        return any(self.elements[number][0] == tag for number in self._open)

    def all(self, *tags: str, **attributes: str) -> list[dict[str, str | None]]:
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [found for tag, found, _text in self.elements if tag in tags and wanted.items() <= found.items()]

    def text(self, id_: str) -> str:
        [text] = ["".join(parts) for _tag, found, parts in self.elements if found.get("id") == id_]
        return re.sub(r"\s+", " ", text).strip()

    def sent(self) -> QueryDict:
        """What the browser would send: of the parts that are shown, as they stand."""
        data = QueryDict(mutable=True)
        select = area = ""
        for tag, found, text in self._shown():
            name, kind = found.get("name") or "", found.get("type")
            if tag == "select":
                select = name
            elif tag == "option" and select and "selected" in found:
                data.appendlist(select, found.get("value") or "")
            elif tag == "textarea":
                data.appendlist(name, "".join(text).removeprefix("\n"))
            elif (
                tag == "input" and name and kind != "file" and (kind not in ("checkbox", "radio") or "checked" in found)
            ):
                data.appendlist(name, found.get("value") or "")
        assert area == ""
        return data

    def _shown(self) -> list[tuple[str, dict[str, str | None], list[str]]]:
        without = re.sub(r"<template>.*?</template>", "", self.html, flags=re.DOTALL)
        return Page(without).elements


def shown(definition: Definition, values: dict[str, Any] | None = None, **parts: Any) -> Page:
    asked = Asked(definition, values or {}, zone=BERLIN, **parts)
    return Page(render_to_string("inputs/form.html", {"asked": asked}))


def one(kind: str, **parts: Any) -> Definition:
    return Definition.read([{"name": "it", "kind": kind, "label": "The <it>", **PARTS.get(kind, {}), **parts}])


@pytest.mark.parametrize("kind", KINDS)
def test_every_input_has_a_label_and_what_describes_it(kind: str) -> None:
    definition = one(kind, help="Some help", required=True)
    page = shown(definition, problems=[("it", "is wrong")])
    ids = [found["id"] for _tag, found, _text in page.elements if found.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {found.get("for") for found in page.all("label")}
    for found in page.all("input", "select", "textarea"):
        if found.get("type") == "hidden":
            continue
        wrapped = re.search(rf'<label class="input-tick"><input[^>]*id="{found.get("id")}"', page.html)
        assert found.get("id") in labelled or wrapped or found.get("aria-label"), found
    described = " ".join(found.get("aria-describedby") or "" for _tag, found, _text in page.elements).split()
    assert {"i-v-it-help", "i-v-it-error"} <= set(described) <= set(ids)
    assert page.text("i-v-it-error") == "Is wrong"
    assert "The &lt;it&gt;" in page.html and "<it>" not in page.html


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in KINDS for value in GOOD[kind]])
def test_what_is_shown_is_read_back_as_it_was(kind: str, value: Any) -> None:
    if kind in ("secret", "file"):
        return
    if kind == "datetime":
        value = "2026-07-31T07:30:00Z"
    values, problems = read(one(kind), shown(one(kind), {"it": value}).sent(), zone=BERLIN)
    assert problems == []
    assert one(kind).validate(values) == one(kind).validate({"it": value})


@pytest.mark.parametrize("text", [*HOSTILE, "</textarea><script>", '" autofocus onfocus="alert(1)', "__group__"])
def test_nothing_that_was_typed_or_configured_becomes_part_of_the_page(text: str) -> None:
    said = {"label": text, "help": text, "placeholder": text}
    choices = [{"value": text, "label": text}]
    items: list[dict[str, Any]] = [
        {"type": "section", "title": text, "text": text},
        *({"name": f"of_{kind}", "kind": kind, **said} for kind in ("text", "long_text", "json", "list", "phone")),
        *({"name": f"of_{kind}", "kind": kind, "choices": choices, **said} for kind in ("choice", "radio")),
        {"name": "fixed", "mode": "fixed", "default": text, **said},
        {"name": "pairs", "kind": "key_value", **said},
        {"name": "rows", "kind": "group", "fields": [{"name": "inner", **said}], **said},
        {"name": "late", "visibleWhen": {"field": "of_text", "is": "equals", "value": text}},
    ]
    definition = Definition.read(items)
    values = {field.name: text for field in definition.fields} | {
        "of_list": [text],
        "pairs": {text: text},
        "rows": [{"inner": text}],
    }
    page = shown(definition, values, problems=[(name, text) for name in values] + [("", text), (text, text)])
    assert not page.all("script", "img")
    assert [found for _tag, found, _text in page.elements if any(name.startswith("on") for name in found)] == []
    sent = read(definition, page.sent())[0]
    assert sent["of_text"] == text and sent["rows"] == [{"inner": text}] and sent["pairs"] == {text: text}


def test_a_secret_is_never_shown_again_and_the_person_is_told() -> None:
    page = shown(one("secret"), {"it": "hunter2"})
    assert "hunter2" not in page.html
    assert page.text("i-v-it-hint") == "Type it again: it is not shown a second time."
    assert "Type it again" not in shown(one("secret")).html
    [secret] = page.all("input", id="i-v-it")
    assert (secret["type"], secret["autocomplete"]) == ("password", "new-password")


def test_a_file_that_was_kept_is_shown_by_its_name_and_remembered_by_a_token() -> None:
    page = shown(one("file"), {"it": FILE}, token=lambda file: f"token of {file['name']}")
    [kept] = page.all("input", name="v.it.kept")
    assert kept["value"] == "token of a.pdf" and "checked" in kept
    assert FILE["fileId"] not in page.html
    [chooser] = page.all("input", name="v.it")
    assert chooser["accept"] == ".pdf,image/*"
    assert not shown(one("file"), {"it": FILE}).all("input", name="v.it.kept")


def test_the_summary_leads_to_the_fields_in_the_order_of_the_page() -> None:
    definition = Definition.read(
        [
            {"name": "a"},
            {"name": "rows", "kind": "group", "fields": [{"name": "b", "label": "B"}], "label": "Rows"},
            {"name": "gone", "mode": "hidden", "default": "x"},
        ]
    )
    values = {"rows": [{"b": "1"}, {"b": "2"}]}
    wrong = [("rows.1.b", "is bad"), ("a", "must be filled in"), ("", "There is no license."), ("gone", "is bad")]
    page = shown(definition, values, problems=wrong)
    assert [found["href"] for found in page.all("a")] == ["#i-v-a", "#i-v-rows-1-b"]
    summary = page.text("problems")
    assert summary.startswith("There are 4 problems There is no license.")
    assert "A must be filled in Rows 2: B is bad" in summary and "Gone is bad" in summary
    assert page.text("i-v-rows-1-b-error") == "Is bad"
    assert page.all("div", id="problems", role="alert")


def test_a_part_whose_condition_does_not_hold_is_there_but_neither_seen_nor_sent() -> None:
    condition = {"field": "guest", "is": "equals", "value": True}
    definition = Definition.read(
        [
            {"name": "guest", "kind": "checkbox"},
            {"name": "host", "visibleWhen": condition},
            {"type": "text", "text": "Guests **need** a host.", "visibleWhen": condition},
            {"name": "wing", "mode": "hidden", "default": "east"},
            {"name": "desk", "visibleWhen": {"field": "wing", "is": "equals", "value": "east"}},
        ]
    )
    [host] = shown(definition).all("fieldset", id="item-i-v-host")
    assert {"hidden", "disabled"} <= set(host) and '"is":"equals"' in str(host["data-visible-when"])
    [host] = shown(definition, {"guest": True}).all("fieldset", id="item-i-v-host")
    assert {"hidden", "disabled"}.isdisjoint(host)
    [wing] = shown(definition).all("fieldset", id="item-i-v-wing")
    assert wing["data-constant"] == '"east"' and "hidden" in wing
    assert not shown(definition).all("input", name="v.wing")
    # Without JavaScript a button shows what is part of the form now.
    assert shown(definition).all("button", name="-update")
    assert not shown(one("text")).all("button", name="-update")


def test_what_is_fixed_is_read_and_not_typed() -> None:
    definition = Definition.read(
        [
            {"name": "a", "kind": "choice", "choices": COLOURS, "mode": "fixed", "default": 5},
            {"name": "b", "kind": "checkbox", "mode": "fixed", "default": False},
            {"name": "c", "kind": "datetime", "mode": "fixed", "default": "2026-07-31T07:30:00Z"},
            {"name": "d", "kind": "multiple_choice", "choices": COLOURS, "mode": "fixed", "default": ["r", True]},
        ]
    )
    page = shown(definition)
    assert [page.text(f"i-v-{name}") for name in "abcd"] == ["Five", "No", "2026-07-31 09:30", "Red, Yes"]
    assert page.sent() == {}


# --- options of data providers -----------------------------------------------------------------------------------

TEAMS = Definition.read(
    [
        {"name": "site", "required": True},
        {"name": "password", "kind": "secret"},
        {"name": "team", "kind": "choice", "provider": "teams", "inputs": {"at": "site"}, "label": "Team"},
    ]
)
FOUND = Offer((Choice("a", "Team <A>"), Choice(7, "Seven")))


def test_options_are_loaded_once_the_page_is_there_and_never_with_a_secret() -> None:
    page = shown(TEAMS, {"team": "a"}, options_url="/forms/x/options/")
    [control] = page.all("div", hx_post="/forms/x/options/team")
    assert control["hx-trigger"] == "offer, load"
    assert control["hx-params"] == "not v.password"
    [item] = page.all("fieldset", data_field="team")
    assert item["data-depends"] == "site"
    # What a link says is held until then.
    assert page.all("input", name="v.team", value="a", type="hidden")
    assert "Loading options" in page.text("i-v-team")


def test_options_that_are_known_are_chosen_from() -> None:
    page = shown(TEAMS, {"team": 7}, options_url="/o/", offers={"team": FOUND})
    chosen = [found["value"] for found in page.all("option") if "selected" in found]
    assert chosen == ["json:7"] and "Team &lt;A&gt;" in page.html
    [control] = page.all("div", hx_post="/o/team")
    assert control["hx-trigger"] == "offer"
    assert page.all("button", hx_post="/o/team?refresh=true")[0]["aria-label"] == "Refresh the options of Team"


def test_a_value_that_is_no_longer_offered_is_not_chosen() -> None:
    page = shown(TEAMS, {"team": "gone"}, options_url="/o/", offers={"team": FOUND})
    assert [found for found in page.all("option") if "selected" in found] == []
    assert "gone" not in page.sent().getlist("v.team")


def test_why_there_are_no_options_is_told_at_the_field() -> None:
    failed = shown(TEAMS, {"team": "a"}, options_url="/o/", offers={"team": Offer(error="It <failed>.")})
    assert "It &lt;failed&gt;." in failed.html and not failed.sent().getlist("v.team")
    waiting = shown(TEAMS, options_url="/o/", offers={"team": Offer(first="Site")})
    assert waiting.text("i-v-team") == "First fill in: Site"
    assert shown(TEAMS).text("i-v-team") == "Not available here"
