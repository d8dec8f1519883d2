"""When a part of a form is shown: a condition over the values of the fields before it.

`{"field": "kind", "is": "equals", "value": "guest"}`, or `{"all": [...]}`, `{"any": [...]}`, `{"not": {...}}` of such.
The same rule is evaluated here and by `inputs/conditions.js` on the page; tests/workflows_app/inputs/conditions.json
holds cases for both. Times are compared as texts: a page and the API give them in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.tolerant import JSON

MAX_DEPTH = 5
_EMPTY: tuple[JSON, ...] = (None, "", [], {}, False)


def holds(condition: Mapping[str, Any], values: Mapping[str, JSON]) -> bool:
    """Whether a checked condition is true of these values; a field that has none counts as empty."""
    if "all" in condition:
        return all(holds(each, values) for each in condition["all"])
    if "any" in condition:
        return any(holds(each, values) for each in condition["any"])
    if "not" in condition:
        return not holds(condition["not"], values)
    return _COMPARISONS[condition["is"]](values.get(condition["field"]), condition.get("value"))


def check(condition: Any, known: set[str], depth: int = 0) -> None:
    """Raises DeclarationError, as the end of a sentence, where it is no condition over the fields `known`."""
    if not isinstance(condition, Mapping) or depth > MAX_DEPTH:
        raise DeclarationError('has a condition that is not like {"field": ..., "is": ..., "value": ...}')
    joined = [word for word in ("all", "any") if word in condition]
    if joined or "not" in condition:
        if len(condition) != 1:
            raise DeclarationError('has a condition that says more beside "all", "any" or "not"')
        parts = condition[joined[0]] if joined else [condition["not"]]
        if not isinstance(parts, list) or not parts:
            raise DeclarationError(f'has a condition whose "{joined[0]}" is not a list of conditions')
        for part in parts:
            check(part, known, depth + 1)
        return
    _check_comparison(condition, known)


def fields_in(condition: Mapping[str, Any]) -> Iterator[str]:
    """The fields that a checked condition looks at."""
    if "field" in condition:
        yield condition["field"]
    for part in (*condition.get("all", ()), *condition.get("any", ()), *filter(None, [condition.get("not")])):
        yield from fields_in(part)


def _check_comparison(condition: Mapping[str, Any], known: set[str]) -> None:
    if surplus := set(condition) - {"field", "is", "value"}:
        raise DeclarationError(f"has a condition with the unknown part {sorted(surplus)[0]!r}")
    field, comparison = condition.get("field"), condition.get("is")
    if not isinstance(field, str) or field not in known:
        raise DeclarationError(f"has a condition on {field!r:.100}, which is no field before it")
    if not isinstance(comparison, str) or comparison not in _COMPARISONS:
        words = ", ".join(_COMPARISONS)
        raise DeclarationError(f"has a condition with {comparison!r:.100}; there are {words}")
    if condition["is"] in ("in", "not_in") and not isinstance(condition.get("value"), list):
        raise DeclarationError(f'has a condition "{condition["is"]}" whose value is not a list')


def same(left: JSON, right: JSON) -> bool:
    """JSON's equality: true is not 1, at any depth."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _in(value: JSON, among: Any) -> bool:
    return any(same(value, each) for each in among)


def _contains(value: JSON, part: JSON) -> bool:
    if isinstance(value, str):
        return isinstance(part, str) and part in value
    return isinstance(value, list) and _in(part, value)


def _above(value: JSON, least: JSON) -> bool:
    """Of numbers, or of texts such as dates; of nothing else."""
    if isinstance(value, bool) or isinstance(least, bool):
        return False
    for kind in (str, (int, float)):
        if isinstance(value, kind) and isinstance(least, kind):
            return bool(value > least)  # type: ignore[operator]
    return False


def is_empty(value: JSON) -> bool:
    """Nothing was given: no text, no entries, not ticked; zero is something."""
    return _in(value, _EMPTY)


_COMPARISONS: Mapping[str, Callable[[JSON, JSON], bool]] = {
    "equals": same,
    "not_equals": lambda value, other: not same(value, other),
    "in": _in,
    "not_in": lambda value, among: not _in(value, among),
    "contains": _contains,
    "not_contains": lambda value, part: not _contains(value, part),
    "above": _above,
    "below": lambda value, most: _above(most, value),
    "empty": lambda value, _: is_empty(value),
    "not_empty": lambda value, _: not is_empty(value),
}
COMPARISONS = tuple(_COMPARISONS)
