"""Parameters from a signature and its type hints."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.parameters import MISSING


def fields(spec, value):
    """The names of the parameters that refuse their value."""
    try:
        spec.validate(value)
    except ValidationError as error:
        return [entry["field"] for entry in error.details["errors"]]
    return []


@pytest.fixture
def hinted(workflow_of):
    """The workflow whose only parameter has this hint."""
    return lambda hint, default="": workflow_of(f"@workflow\nasync def w(context, x: {hint}{default}): ...")


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        ("str", ["a"], [1, None]),
        ("int", [1], ["1", True, 1.5]),
        ("float", [1, 1.5], ["1"]),
        ("bool", [True], [1, "true"]),
        ("dict", [{"a": 1}], [[], "{}"]),
        ("list", [[1, "a"]], [{}, "a"]),
        ("list[str]", [["a"], []], [[1], ["a", None], "a"]),
        ("list[list[int]]", [[[1], []]], [[1], [["a"]]]),
        ("list[Any]", [[1, None]], ["a"]),
        ("dict[str, Any]", [{"a": [1]}], [[1]]),
        ("dict[str, int]", [{"a": 1}], [{"a": "1"}]),
        ("date", ["2026-01-31"], ["2026-01-31T10:00"]),
        ("datetime", ["2026-01-31T10:00"], ["2026-01-31"]),
        ("Any", [None, 1, {"a": 1}], []),
        ("object", [None, 1], []),
        ("Literal['a', 'b']", ["a"], ["c", 1, None]),
        ("Literal[1, 2]", [1], [3, "1", True]),
        ("Literal['a', 1]", ["a", 1], ["b", True]),
        ("Literal['a', None]", ["a", None], ["b"]),
        ("Optional[int]", [1, None], ["1"]),
        ("str | None", ["a", None], [1]),
        ("int | str", [1, "a"], [1.5, None, []]),
        ("int | str | None", [1, "a", None], [1.5]),
        ("list[Literal['a', 'b']]", [["a", "b"]], [["c"]]),
        ("Annotated[int, 'words']", [1], ["1"]),
        ("NewType('UserId', str)", ["a"], [1]),
        ("'int'", [1], ["1"]),
    ],
)
def test_a_hint_says_what_is_taken(hinted, hint, good, bad):
    spec = hinted(hint)
    assert [value for value in good if fields(spec, {"x": value})] == []
    assert [value for value in bad if fields(spec, {"x": value}) != ["x"]] == []


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("list[str]", {"type": "array", "items": {"type": "string"}}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal['a', 1]", {"enum": ["a", 1]}),
        ("int | str", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("Optional[Literal['a']]", {"type": ["string", "null"], "enum": ["a", None]}),
        ("Optional[int | str]", {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}),
        ("Literal['a', 1, None]", {"anyOf": [{"enum": ["a", 1]}, {"type": "null"}]}),
        ("Any", {}),
    ],
)
def test_a_hint_as_json_schema(hinted, hint, expected):
    schema = hinted(hint).parameters_schema()["properties"]["x"]
    schema.pop("title")
    assert schema == expected


def test_without_a_hint_any_json_value_is_taken_and_required(workflow_of):
    spec = workflow_of("@workflow\nasync def w(context, data): ...")
    assert [fields(spec, {"data": value}) for value in (None, 1, "a", [1], {"a": None})] == [[]] * 5
    assert fields(spec, {}) == ["data"]


def test_a_default_makes_a_parameter_optional(workflow_of):
    spec = workflow_of("@workflow\nasync def w(context, retries=3, tags: list[str] = [], *, dry: bool = False): ...")
    assert spec.validate({}) == {"retries": 3, "tags": [], "dry": False}


def test_a_keyword_only_parameter_without_a_default_is_required(workflow_of):
    spec = workflow_of("@workflow\nasync def w(context, *, region: str): ...")
    assert fields(spec, {}) == ["region"]


def test_an_implicit_optional_is_one(workflow_of):
    spec = workflow_of("@workflow\nasync def w(context, note: str = None): ...")
    assert spec.validate({}) == spec.validate({"note": None}) == {"note": None}


def test_an_optional_hint_without_a_default_can_be_left_out(workflow_of):
    spec = workflow_of("@workflow\nasync def w(context, note: Optional[str]): ...")
    assert spec.validate({}) == {"note": None}
    assert spec.parameters[0].default is MISSING


def test_the_context_is_never_a_parameter(workflow_of):
    for first in (
        "context",
        "context: OrganizationContext",
        "ctx",
        "_",
        "ctx: 'Unknown'",
        "context, /",
        "*args",
    ):
        assert workflow_of(f"@workflow\nasync def w({first}): ...").parameters == ()


def test_what_a_function_takes_besides_is_no_parameter(workflow_of):
    spec = workflow_of("@workflow\nasync def w(context, a: int, *more, **extra): ...")
    assert [parameter.name for parameter in spec.parameters] == ["a"]
    assert fields(spec, {"a": 1, "b": 2}) == ["b"]


def test_one_hint_that_the_type_checker_alone_knows_spoils_no_other(workflow_of):
    spec = workflow_of(
        """
        if TYPE_CHECKING:
            from somewhere import Unknown
        @workflow
        @param("b", "json")
        async def w(context: Unknown, a: int, b: Unknown) -> Unknown: ...
        """
    )
    assert [parameter.type for parameter in spec.parameters] == ["int", "json"]


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        ("", "the function must take the context as its first parameter"),
        ("*, context", "the function must take the context as its first parameter"),
        ("email: str, name: str", 'the function must take the context as its first parameter, not "email"'),
        ("context, a, /", 'parameter "a" is positional-only'),
        ("context, a: bytes", 'parameter "a" has the type hint bytes, which no input can have'),
        ("context, a: dict[int, str]", "has the type hint dict[int, str]"),
        ("context, a: set[str]", "has the type hint set[str]"),
        ("context, a: Unknown", "has the type hint 'Unknown', which cannot be resolved"),
        ("context, a: Literal[b'x']", "has the type hint typing.Literal[b'x']"),
        ("context, a: None", "which no input can have"),
        ("context, a: int = 'x'", 'parameter "a" has a default that must be a whole number'),
        ("context, a=object()", 'parameter "a" has a default that is not JSON'),
    ],
)
def test_a_signature_that_cannot_be_served_is_a_problem(problems_of, signature, words):
    [problem] = problems_of(f"@workflow(name='w')\nasync def w({signature}): ...")
    assert problem.startswith('workspace/workflows/sample.py:1: workflow "w": ')
    assert words in problem


def test_the_function_gets_dates_inside_lists_objects_and_unions(workflow_of):
    spec = workflow_of(
        "@workflow\nasync def w(context, a: list[datetime], b: dict[str, datetime], c: datetime | str): ..."
    )
    text, moment = "2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)
    values = spec.validate({"a": [text], "b": {"x": text}, "c": text})
    assert values == {"a": [text], "b": {"x": text}, "c": text}
    assert spec.arguments(values) == {"a": [moment], "b": {"x": moment}, "c": moment}
    assert spec.arguments({**values, "c": "soon"})["c"] == "soon"


@pytest.mark.parametrize(
    ("hint", "text", "expected"),
    [
        ("list[int]", "1, 2", [1, 2]),
        ("int | str", "5", 5),
        ("int | str", "a", "a"),
        ("str | int", "5", 5),
        ("Literal[1, 'a']", "1", 1),
        ("Optional[bool]", "yes", True),
        ("dict[str, int]", '{"a": 1}', {"a": 1}),
    ],
)
def test_text_is_read_as_the_hint_says(hinted, hint, text, expected):
    spec = hinted(hint)
    assert spec.validate(spec.parse_text({"x": text})) == {"x": expected}


def test_a_wrapper_that_keeps_the_signature_is_read_through(workflow_of):
    spec = workflow_of(
        """
        import functools
        def timed(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper
        @workflow
        @timed
        @param("a", "int", required=True)
        async def w(context, a): ...
        """
    )
    assert [parameter.name for parameter in spec.parameters] == ["a"]
    assert spec.is_async
