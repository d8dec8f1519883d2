from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic_core import SchemaValidator
from pydantic_core import ValidationError as Invalid

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.parameters import MISSING, TYPES, ParameterSpec


def parameter(type: str = "string", **arguments) -> ParameterSpec:
    return ParameterSpec("field", type, **{"required": True, **arguments})


def accepts(spec: ParameterSpec, value: object) -> bool:
    try:
        SchemaValidator(spec.core_schema()).validate_python(value)
    except Invalid:
        return False
    return True


def refusal(type: str = "string", **arguments) -> str:
    with pytest.raises(DeclarationError) as caught:
        parameter(type, **arguments)
    return str(caught.value)


def test_the_types_are_the_documents_and_dict():
    assert set(TYPES) == {
        "string",
        "int",
        "float",
        "bool",
        "email",
        "json",
        "list",
        "dict",
        "date",
        "datetime",
        "secret",
        "file",
    }


@pytest.mark.parametrize(
    ("type", "values"),
    [
        ("string", ["", "a", "ü"]),
        ("secret", ["hunter22"]),
        ("int", [0, -5, 2**70]),
        ("float", [0, 3, 1.5, -2.0]),
        ("bool", [True, False]),
        ("email", ["a@acme.local", "o'brien+x@sub.example.co.uk", "jürgen@bücher.example", "a.b@x-1.y"]),
        ("json", [None, 1, "a", [1], {"a": [None]}]),
        ("list", [[], [1, "a", None]]),
        ("dict", [{}, {"a": 1}]),
        ("date", ["2026-01-31", "2024-02-29"]),
        ("datetime", ["2026-01-31T09:30:00Z", "2026-01-31 09:30", "2026-01-31T09:30:00.123+02:00"]),
    ],
)
def test_a_type_takes_its_values(type, values):
    assert [value for value in values if not accepts(parameter(type), value)] == []


@pytest.mark.parametrize(
    ("type", "values"),
    [
        ("string", [None, 5, True, ["a"]]),
        ("secret", [5, None]),
        ("int", ["5", True, 1.0, 1.5, None]),
        ("float", ["1.5", True, None, float("nan"), float("inf"), 10**400]),
        ("bool", ["true", 1, 0, None]),
        ("list", ["a,b", {}, None, 1]),
        ("dict", ["{}", [], None]),
        ("date", ["2026-02-30", "20260131", "2026-W05-1", "31.1.2026", "2026-01-31T00:00:00", 1, None, ""]),
        (
            "datetime",
            ["2026-01-31", "2026-01-31T25:00", "1700000000", "2026-01-31T09:30 tomorrow", 1700000000, None],
        ),
    ],
)
def test_a_type_takes_no_other_values(type, values):
    assert [value for value in values if accepts(parameter(type), value)] == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "invalid-email",
        "@acme.local",
        "a@",
        "a@acme",
        "a b@acme.local",
        "a@acme..local",
        ".a@acme.local",
        "a.@x.y",
        "a@-x.y",
        "a@x-.y",
        "a@@x.y",
        "a@x.y\n",
        "<a@x.y>",
        "a@x.y,b@x.y",
        "a" * 251 + "@x.y",
    ],
)
def test_what_is_no_e_mail_address_is_refused(address):
    assert not accepts(parameter("email"), address)


@pytest.mark.parametrize(
    ("type", "rules", "good", "bad"),
    [
        ("string", {"min_length": 2, "max_length": 3}, ["ab", "abc"], ["a", "abcd"]),
        ("string", {"pattern": r"^[a-zA-Z0-9_]+$"}, ["a_1"], ["a b", "", "a\n"]),
        ("string", {"pattern": "b"}, ["abc"], ["ac"]),
        ("string", {"pattern": r"^(?!admin)\w+$"}, ["ann"], ["admin1"]),
        ("string", {"enum": ["pending", "done"]}, ["done"], ["other", "Done"]),
        ("secret", {"min_length": 8}, ["12345678"], ["1234567"]),
        ("email", {"pattern": r"@acme\.local$"}, ["a@acme.local"], ["a@other.local"]),
        ("int", {"min": 18, "max": 120}, [18, 120], [17, 121]),
        ("int", {"enum": [1, 2]}, [1], [3, True]),
        ("float", {"min": 0.0}, [0, 0.5], [-0.1]),
        ("float", {"min": 0, "max": 100}, [100], [100.5]),
        ("float", {"enum": [1, 2.5]}, [1, 2.5], [2]),
        ("list", {"min_length": 1, "max_length": 2}, [[1]], [[], [1, 2, 3]]),
        ("list", {"enum": ["a", "b"]}, [["a"], []], [["c"], ["a", 1]]),
        (
            "date",
            {"min": "2026-01-01", "max": date(2026, 12, 31)},
            ["2026-01-01"],
            ["2025-12-31", "2027-01-01"],
        ),
        ("datetime", {"min": "2026-01-01T00:00Z"}, ["2026-01-01T01:00+01:00"], ["2026-01-01T00:59+01:00"]),
    ],
)
def test_validation_rules(type, rules, good, bad):
    spec = parameter(type, validation=rules)
    assert [value for value in good if not accepts(spec, value)] == []
    assert [value for value in bad if accepts(spec, value)] == []


def test_a_pattern_cannot_be_made_to_backtrack():
    # Python's own engine would need longer than the universe is old.
    assert not accepts(parameter(validation={"pattern": r"^(a+)+$"}), "a" * 60 + "!")


@pytest.mark.parametrize(
    ("type", "arguments", "words"),
    [
        ("banana", {}, "unknown type 'banana'; types are string, int"),
        (str, {}, "unknown type"),
        ("string", {"validation": {"minimum": 3}}, "validation rule 'minimum'; type string has min_length"),
        ("bool", {"validation": {"enum": [True]}}, "type bool has none"),
        ("string", {"validation": {"min": 3}}, "validation rule 'min'"),
        ("string", {"validation": ["enum"]}, "not a mapping"),
        ("string", {"validation": {"min_length": -1}}, "min_length that is not a whole number"),
        ("string", {"validation": {"max_length": "3"}}, "max_length that is not"),
        ("string", {"validation": {"max_length": True}}, "max_length that is not"),
        ("string", {"validation": {"min_length": 3, "max_length": 2}}, "min_length above its max_length"),
        ("int", {"validation": {"min": 3, "max": 2}}, "min above its max"),
        ("int", {"validation": {"min": 1.5}}, "min that is not a whole number"),
        ("float", {"validation": {"max": float("nan")}}, "max that is not a number"),
        ("date", {"validation": {"min": "soon"}}, "min that is not a date"),
        ("date", {"validation": {"min": "2026-02-01", "max": "2026-01-01"}}, "min above its max"),
        ("string", {"validation": {"pattern": "("}}, "not a regular expression"),
        ("string", {"validation": {"pattern": 5}}, "not a regular expression"),
        ("string", {"validation": {"enum": "abc"}}, "enum that is not a list"),
        ("string", {"validation": {"enum": []}}, "enum that is not a list"),
        ("string", {"validation": {"enum": ["a", 1]}}, "enum value that is not text"),
        ("string", {"description": 5}, "description that is not text"),
        ("string", {"label": 5}, "label that is not text"),
        ("string", {"required": "yes"}, "required=True or required=False"),
        ("string", {"data_provider": 5}, "data_provider that is not a name"),
        ("int", {"default": "5"}, "default that must be a whole number"),
        ("int", {"default": 1, "validation": {"min": 2}}, "default that must be at least 2"),
        ("string", {"default": "x", "validation": {"enum": ["a"]}}, 'default that must be one of "a"'),
        ("list", {"default": [object()]}, r"default that is not JSON: default\[0\] is an object"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(type, arguments, words):
    assert re.search(words, refusal(type, **arguments))


def test_a_default_is_kept_as_json():
    assert parameter("date", default=date(2026, 1, 31)).default == "2026-01-31"
    assert parameter("float", default=3).default == 3.0
    assert parameter("list", default=("a",)).default == ["a"]


def test_without_a_default_it_is_missing_and_none_is_one():
    assert ParameterSpec("field").default is MISSING
    assert ParameterSpec("field", default=None).default is None


def test_an_optional_parameter_without_another_default_takes_null():
    assert accepts(ParameterSpec("field", "int"), None)
    assert accepts(ParameterSpec("field", "int", default=None), None)


def test_an_optional_parameter_with_a_default_takes_no_null():
    assert not accepts(ParameterSpec("field", "int", default=3), None)


def test_the_label_is_the_name_in_words_unless_given():
    assert ParameterSpec("first_name").label == "First name"
    assert ParameterSpec("first_name", label="Given name").label == "Given name"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (parameter("string"), {"type": "string"}),
        (parameter("email"), {"type": "string", "format": "email"}),
        (parameter("secret"), {"type": "string", "format": "password", "writeOnly": True}),
        (parameter("date"), {"type": "string", "format": "date"}),
        (parameter("datetime"), {"type": "string", "format": "date-time"}),
        (parameter("json"), {}),
        (parameter("list"), {"type": "array"}),
        (parameter("int", validation={"min": 1, "max": 5}), {"type": "integer", "minimum": 1, "maximum": 5}),
        (
            parameter(validation={"min_length": 1, "max_length": 5, "pattern": "^a"}),
            {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^a"},
        ),
        (parameter("list", validation={"min_length": 1}), {"type": "array", "minItems": 1}),
        (parameter("list", validation={"enum": ["a"]}), {"type": "array", "items": {"enum": ["a"]}}),
        (parameter(validation={"enum": ["a", "b"]}), {"type": "string", "enum": ["a", "b"]}),
        (
            parameter("date", validation={"min": date(2026, 1, 1)}),
            {"type": "string", "format": "date", "x-min": "2026-01-01"},
        ),
        (parameter("bool", default=True), {"type": "boolean", "default": True}),
        (parameter(data_provider="get_users"), {"type": "string", "x-data-provider": "get_users"}),
        (parameter(description="What"), {"type": "string", "description": "What"}),
        (ParameterSpec("field", "int"), {"type": ["integer", "null"]}),
        (
            ParameterSpec("field", validation={"enum": ["a"]}),
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
    ],
)
def test_json_schema(spec, expected):
    assert spec.json_schema() == {"title": "Field", **expected}


@pytest.mark.parametrize(
    ("type", "text", "expected"),
    [
        ("string", " a ", " a "),
        ("string", "", ""),
        ("email", "a@b.c", "a@b.c"),
        ("int", "5", 5),
        ("int", " -5 ", -5),
        ("float", "1.5", 1.5),
        ("float", "3", 3.0),
        ("bool", "true", True),
        ("bool", "Yes", True),
        ("bool", "on", True),
        ("bool", "0", False),
        ("bool", "false", False),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", "5", 5),
        ("json", "hello there", "hello there"),
        ("dict", '{"a": 1}', {"a": 1}),
        ("list", "a, b,,c ", ["a", "b", "c"]),
        ("list", '["a", 1]', ["a", 1]),
        ("list", "a", ["a"]),
        ("date", "2026-01-31", "2026-01-31"),
        ("int", "", None),
        ("list", " ", None),
        ("date", "", None),
    ],
)
def test_text_is_read_as_the_type(type, text, expected):
    read = parameter(type).parse_text(text)
    assert read == expected
    assert read.__class__ is expected.__class__


@pytest.mark.parametrize(
    ("type", "text", "words"),
    [
        ("int", "five", "must be a whole number"),
        ("int", "1.5", "must be a whole number"),
        ("int", "1_000", "must be a whole number"),
        ("int", "9" * 5_000, "must be a whole number"),
        ("float", "x", "must be a number"),
        ("bool", "maybe", "must be true or false"),
        ("json", '{"a": ', "must be any JSON value"),
        ("dict", "a", "must be an object"),
        ("list", "[1, ", "must be a list"),
    ],
)
def test_text_that_is_not_the_type_is_refused_in_words(type, text, words):
    with pytest.raises(ValueError, match=words):
        parameter(type).parse_text(text)


def test_an_enum_of_numbers_is_read_from_text():
    assert parameter("int", validation={"enum": [1, 2]}).parse_text("2") == 2


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        ("date", "2026-01-31", date(2026, 1, 31)),
        ("datetime", "2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("datetime", "2026-01-31 09:30", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (
            "datetime",
            "2026-01-31T09:30+02:00",
            datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=2))),
        ),
        ("datetime", None, None),
        ("string", "2026-01-31", "2026-01-31"),
    ],
)
def test_the_function_gets_dates_as_such(type, value, expected):
    assert parameter(type).values.converted(value) == expected


def test_specs_can_be_compared_and_hashed():
    assert parameter(validation={"enum": ["a"]}) == parameter(validation={"enum": ["a"]})
    assert len({parameter("list", default=[]), parameter("list", default=[])}) == 1
