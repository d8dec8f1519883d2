"""The part of `$filter` and `$search` that Graph's directory knows, read strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tests.integrations.msgraph.refusals import bad, unsupported

Test = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)|(?P<number>-?\d+)|(?P<word>[\w./$@]+)"
    r"|(?P<sign>[(),]))"
)


def same(a: Any, b: Any) -> bool:
    return a.lower() == b.lower() if isinstance(a, str) and isinstance(b, str) else a == b


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": same,
    "ne": lambda a, b: not same(a, b),
    "ge": lambda a, b: a is not None and a >= b,
    "gt": lambda a, b: a is not None and a > b,
    "le": lambda a, b: a is not None and a <= b,
    "lt": lambda a, b: a is not None and a < b,
}
_WORDS = {"true": True, "false": False, "null": None}
_SEARCH = re.compile(r'"(\w+):((?:[^"\\]|\\.)*)"')


class Filter:
    """Raises Refused for what is no filter, or names what the resource does not have."""

    def __init__(self, text: str, known: Collection[str], exact: bool = False) -> None:
        self._known = known
        self._exact = exact
        self._tokens: list[tuple[str, str]] = []
        self.is_advanced = False
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise bad(f"Invalid filter clause: Syntax error at position {place} in '{text}'.")
            self._tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
            place = found.end()
        self.test = self._any()
        if self._tokens:
            raise bad(f"Invalid filter clause: Syntax error at '{self._tokens[0][1]}'.")

    def _any(self) -> Test:
        tests = [self._all()]
        while self._took("or"):
            tests.append(self._all())
        return lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._took("and"):
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._took("not"):
            self.is_advanced = True
            inner = self._one()
            return lambda item: not inner(item)
        if self._took("("):
            inner = self._any()
            self._need(")")
            return inner
        name = self._next("word")
        if self._took("("):
            return self._function(name)
        return self._comparison(self._property(name))

    def _function(self, function: str) -> Test:
        name = self._property(self._next("word"))
        self._need(",")
        text = str(self._value())
        self._need(")")
        if function == "startsWith":
            return lambda item: str(item.get(name) or "").lower().startswith(text.lower())
        if function == "endsWith":
            self.is_advanced = True
            return lambda item: str(item.get(name) or "").lower().endswith(text.lower())
        raise unsupported(f"The function '{function}' is not supported.")

    def _comparison(self, name: str) -> Test:
        operator = self._next("word")
        if operator == "in":
            values = self._values()
            return lambda item: any(same(item.get(name), value) for value in values)
        if operator not in _COMPARED:
            raise bad(f"Invalid filter clause: '{operator}' is no operator.")
        self.is_advanced = self.is_advanced or operator == "ne"
        value, compare = self._value(), _COMPARED[operator]
        if self._exact and operator == "eq":
            return lambda item: bool(item.get(name) == value)
        return lambda item: compare(item.get(name), value)

    def _values(self) -> list[Any]:
        self._need("(")
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        self._need(")")
        return values

    def _property(self, name: str) -> str:
        if name not in self._known:
            raise bad(f"Could not find a property named '{name}'.")
        return name

    def _value(self) -> Any:
        if not self._tokens:
            raise bad("Invalid filter clause: a value is missing.")
        kind, text = self._tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "word" and text not in _WORDS:
            raise bad(f"Invalid filter clause: '{text}' is no value.")
        return {"number": int, "time": str, "word": _WORDS.get}[kind](text)

    def _next(self, kind: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise bad("Invalid filter clause: Syntax error.")
        return self._tokens.pop(0)[1]

    def _took(self, text: str) -> bool:
        if self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1] == text:
            self._tokens.pop(0)
            return True
        return False

    def _need(self, text: str) -> None:
        if not self._took(text):
            raise bad(f"Invalid filter clause: '{text}' expected.")


def search(text: str, known: Collection[str]) -> Test:
    """Of the form `"displayName:ann" OR "mail:ann"`."""
    terms = [_SEARCH.fullmatch(part) for part in text.split(" OR ")]
    found = [(term[1], re.sub(r"\\(.)", r"\1", term[2]).lower()) for term in terms if term is not None]
    if len(found) != len(terms) or any(name not in known for name, _ in found):
        raise bad(f"Syntax error: the search '{text}' has to be of the form \"property:text\".")
    return lambda item: any(words in str(item.get(name) or "").lower() for name, words in found)
