"""Result cards: what a run shows to the person who asked for it, in their words.

context.result_card(
    "Three licences assigned",
    text="They are usable **within the hour**.",
    values={"Plan": "E3", "Left": 4},
    table=[{"Name": "Ann", "Mailbox": "ann@acme.example"}],
    links={"The ticket": "https://psa.example/tickets/7"},
)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.files import file_of
from bifrost.sdk.host import Host
from bifrost.sdk.links import is_safe_link
from bifrost.sdk.tolerant import JSON, plain

__all__ = ["CARD", "ResultCards", "Tone", "card_document", "card_of"]

Tone = Literal["success", "info", "warning", "error"]
TONES = get_args(Tone)
#: The kind of a card's line in the journal.
CARD = "card"
LONGEST_TITLE = 200
LONGEST_KEY = 200
LONGEST_TEXT = 20_000
MOST_ROWS = 500
MOST_COLUMNS = 30
MOST_VALUES = 200
MOST_LINKS = 50


class ResultCards:
    """The part of every context that shows results."""

    _host: Host

    def result_card(  # noqa: PLR0913 - the parts of a card
        self,
        title: str,
        *,
        text: str = "",
        values: Mapping[str, Any] | None = None,
        table: Iterable[Mapping[str, Any]] | None = None,
        columns: Iterable[str] | None = None,
        links: Mapping[str, str] | Iterable[Any] | None = None,
        files: Iterable[Mapping[str, Any]] | None = None,
        tone: Tone = "success",
        key: str | None = None,
    ) -> None:
        """Shows a card on the pages of this run, once however often the run goes on from its journal.

        `text` is Markdown. `columns` choose and order those of the table. `links` are addresses by their labels, or a
        list of addresses; `files` what `save_file` gave. A later card with the same `key` takes the place of the
        earlier one. A long text or table is cut and says so. Raises ValidationError for what no card can have, such
        as a link that is neither http, https, mailto nor on the same site.
        """
        card = card_of(title, text, values, table, columns, links, files, tone)
        self._host.record(CARD, _key(key), {**card, "attempt": self._host.attempt})


def card_of(
    title: object,
    text: object,
    values: object,
    table: object,
    columns: object,
    links: object,
    files: object,
    tone: object,
) -> dict[str, JSON]:
    """The card as it is recorded; raises ValidationError.

    Values and rows are objects, so that redaction knows their names; `labels` and `columns` keep the order, which
    stored objects do not.
    """
    if tone not in TONES:
        raise _wrong("tone", f"has to be one of {', '.join(TONES)}, not {plain(tone)!r}")
    shown = _mapping("values", {} if values is None else values, MOST_VALUES)
    return {
        "title": _title(title),
        "tone": tone,
        "text": _text(text),
        "values": shown,
        "labels": list(shown),
        **_table(table, columns),
        "links": _links(links),
        "files": [_file(each) for each in _listed("files", files, MOST_LINKS)],
    }


def card_document(key: str, data: Mapping[str, JSON]) -> dict[str, JSON]:
    """A card as pages and the API show it, its values in the author's order."""
    values = data["values"]
    ordered = {label: values[label] for label in [*data["labels"], *values] if label in values}
    table = data["table"] if data["columns"] else None
    facts = {name: data[name] for name in ("title", "tone", "text")}
    more = {name: data[name] for name in ("columns", "moreRows", "links", "files")}
    return {"key": key or None, **facts, "values": ordered, "table": table, **more}


def _key(key: object) -> str:
    if key is None:
        return ""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
        raise _wrong("key", f"has to be text of 1 to {LONGEST_KEY} characters")
    return str(plain(key))


def _title(title: object) -> str:
    if not isinstance(title, str) or not title.strip() or len(title) > LONGEST_TITLE:
        raise _wrong("title", f"has to be text of 1 to {LONGEST_TITLE} characters")
    return str(plain(title))


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise _wrong("text", "has to be text")
    more = len(text) - LONGEST_TEXT
    return str(plain(text if more <= 0 else f"{text[:LONGEST_TEXT]}\n\n... ({more:,} more characters)"))


def _table(table: object, columns: object) -> dict[str, JSON]:
    rows = _listed("table", table)
    if not all(isinstance(row, Mapping) for row in rows):
        raise _wrong("table", "has to be a list of mappings")
    copied = [_mapping("table", row, MOST_VALUES) for row in rows[:MOST_ROWS]]
    if columns is None:
        named = list(dict.fromkeys(name for row in copied for name in row))[:MOST_COLUMNS]
    else:
        named = [str(plain(each)) for each in _listed("columns", columns, MOST_COLUMNS)]
    kept = [{name: row[name] for name in named if name in row} for row in copied]
    return {"table": kept, "columns": named if rows else [], "moreRows": max(0, len(rows) - MOST_ROWS)}


def _links(links: object) -> list[JSON]:
    if isinstance(links, Mapping):
        pairs = list(links.items())
        if len(pairs) > MOST_LINKS:
            raise _wrong("links", f"are at most {MOST_LINKS}")
    else:
        pairs = [_labelled(each) for each in _listed("links", links, MOST_LINKS)]
    for _, url in pairs:
        if not is_safe_link(url):
            raise _wrong("links", f"lead to http, https, mailto or the same site, not to {plain(url)!r}")
    return [{"label": str(plain(label))[:LONGEST_TITLE] or str(url), "url": str(url)} for label, url in pairs]


def _labelled(link: object) -> tuple[Any, Any]:
    match link:
        case str():
            return link, link
        case {"url": url}:
            return link.get("label") or url, url  # type: ignore[attr-defined]
        case [label, url]:
            return label, url
    raise _wrong("links", "are addresses, or objects with a label and a url")


def _file(given: object) -> JSON:
    try:
        return file_of(given)
    except ValidationError as error:
        raise _wrong("files", "are what save_file gave or a file that was uploaded") from error


def _mapping(field: str, given: object, most: int) -> dict[str, JSON]:
    if not isinstance(given, Mapping):
        raise _wrong(field, "have to be a mapping of labels to values")
    if len(given) > most:
        raise _wrong(field, f"have at most {most} entries")
    copied: dict[str, JSON] = plain(dict(given))
    return copied


def _listed(field: str, given: object, most: int | None = None) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise _wrong(field, "has to be a list")
    listed = list(given)
    if most is not None and len(listed) > most:
        raise _wrong(field, f"has at most {most} entries")
    return listed


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(f"A result card's {field} {message}", field=field)
