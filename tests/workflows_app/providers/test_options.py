"""The one shape of options, and which values are the same."""

from __future__ import annotations

from typing import Any

import pytest

from workflows_app.providers.options import MOST_OPTIONS, Option, WrongShape, identity, read_options

LIMIT = 100_000


def test_options_as_the_documents_show_them() -> None:
    given = [{"label": "IT", "value": "it"}, {"label": "E3", "value": 3, "metadata": {"available": 5}}]
    assert read_options(given, LIMIT)[0] == (Option("it", "IT", {}), Option(3, "E3", {"available": 5}))
    assert read_options((), LIMIT) == ((), 2)


def test_they_are_copies() -> None:
    metadata = {"available": [1]}
    options, _ = read_options([{"label": "x", "value": 1, "metadata": metadata}], LIMIT)
    metadata["available"].append(2)
    assert options[0].metadata == {"available": [1]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "returned NoneType, not a list of options"),
        ("it,hr", "returned str, not a list of options"),
        ({"it": "IT"}, "returned dict, not a list of options"),
        (["it"], 'has as option 1 no object with "label" and "value"'),
        ([{"label": "IT", "value": "it"}, {"label": "HR"}], 'has no "value" in option 2'),
        ([{"value": "it"}], 'has no "label" in option 1'),
        ([{"label": 1, "value": "it"}], "has a label that is no text, or metadata that are no object, in option 1"),
        ([{"label": "IT", "value": "it", "metadata": 1}], "or metadata that are no object, in option 1"),
        ([{"label": "IT", "value": "it", "color": 1}], 'has "color" in option 1: what else there is to say belongs'),
        ([{"label": "IT", "value": object()}], "returned what is not JSON"),
        ([{"label": "IT", "value": "it", "metadata": {"a": float("nan")}}], "returned what is not JSON"),
        ([{"label": "x", "value": 1}] * (MOST_OPTIONS + 1), "returned 10,001 options; 10,000 are the most"),
        ([{"label": "x" * LIMIT, "value": 1}], "100,000 are the most"),
    ],
)
def test_everything_else_is_an_error(given: Any, said: str) -> None:
    with pytest.raises(WrongShape) as wrong:
        read_options(given, LIMIT)
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, "", False),
        ([1, 2], [1, 2], True),
        ([1, True], [1, 1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
    ],
)
def test_which_values_are_the_same(one: Any, other: Any, same: bool) -> None:
    assert (identity(one) == identity(other)) is same
    assert len({identity(one), identity(other)}) == (1 if same else 2)
