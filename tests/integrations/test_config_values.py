from __future__ import annotations

import pytest

from bifrost.sdk.errors import ValidationError
from integrations.config_values import parse, written


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        (" as it is ", "string", " as it is "),
        ("", "string", ""),
        ("-12", "int", -12),
        (" 30\n", "int", 30),
        ("true", "bool", True),
        ("False", "bool", False),
        ('{"a": [1, null]}', "json", {"a": [1, None]}),
        ("5", "json", 5),
        ("api_key", "secret", "api_key"),
    ],
)
def test_reads_what_a_person_writes(text: str, type_: str, value: object) -> None:
    parsed = parse(text, type_)
    assert (parsed, type(parsed)) == (value, type(value))
    assert parse(written(parsed, type_), type_) == value


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("", "int"),
        ("5.0", "int"),
        ("٣", "int"),
        ("1_000", "int"),
        ("9" * 2_000, "int"),
        ("yes", "bool"),
        ("", "bool"),
        ("1", "bool"),
        ("{", "json"),
        ("", "json"),
        ("NaN", "json"),
        ("[" * 100_000, "json"),
        ('"\\u0000"', "json"),
        ("a b", "secret"),
        ("", "secret"),
        ("x", "number"),
    ],
)
def test_refuses_what_it_cannot_mean(text: str, type_: str) -> None:
    with pytest.raises(ValidationError):
        parse(text, type_)
