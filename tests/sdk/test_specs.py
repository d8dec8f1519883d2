from __future__ import annotations

import pytest

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.specs import MAX_ERRORS

ORDER = """
@workflow(name="order")
@param("customer", "email", "Whose", required=True)
@param("quantity", "int", "How many", required=True, validation={"min": 1, "max": 1000})
@param("note", "string", "Anything else", validation={"max_length": 10})
@param("tags", "list", "Labels", default_value=[])
async def order(context, customer, quantity, note="none", tags=None): ...
"""


@pytest.fixture
def order(workflow_of):
    return workflow_of(ORDER)


@pytest.fixture
def refused():
    """The error of values that a workflow refuses."""

    def refuse(spec, values) -> ValidationError:
        with pytest.raises(ValidationError) as caught:
            spec.validate(values)
        return caught.value

    return refuse


def test_valid_values_come_back_with_defaults(order):
    assert order.validate({"customer": "a@acme.local", "quantity": 2}) == {
        "customer": "a@acme.local",
        "quantity": 2,
        "note": "none",
        "tags": [],
    }


def test_the_default_of_a_param_wins_over_the_function_s(order):
    assert order.validate({"customer": "a@acme.local", "quantity": 2})["tags"] == []


def test_an_optional_parameter_without_any_default_is_none(workflow_of):
    spec = workflow_of('@workflow\n@param("a", "int")\nasync def w(context, a): ...')
    assert spec.validate({}) == {"a": None}


def test_defaults_are_copied_for_each_run(order):
    first = order.validate({"customer": "a@acme.local", "quantity": 2})
    first["tags"].append("x")
    assert order.validate({"customer": "a@acme.local", "quantity": 2})["tags"] == []


def test_the_values_given_are_copied(order):
    given = {"customer": "a@acme.local", "quantity": 2, "tags": ["x"]}
    order.validate(given)["tags"].append("y")
    assert given["tags"] == ["x"]


def test_the_function_gets_a_copy_of_its_own(order):
    values = order.validate({"customer": "a@acme.local", "quantity": 2, "tags": ["x"]})
    order.arguments(values)["tags"].append("y")
    assert values["tags"] == ["x"]


def test_a_bad_value_is_named(order, refused):
    error = refused(order, {"customer": "a@acme.local", "quantity": 0})
    assert str(error) == 'Parameter "quantity" must be at least 1'
    assert error.details == {
        "field": "quantity",
        "errors": [{"field": "quantity", "message": "must be at least 1"}],
    }


def test_every_bad_missing_and_surplus_field_is_named_once(order, refused):
    error = refused(order, {"quantity": "2", "note": "x" * 11, "tags": "x", "other": 1})
    assert error.details["errors"] == [
        {"field": "customer", "message": "is required"},
        {"field": "quantity", "message": "must be a whole number"},
        {"field": "note", "message": "must have at most 10 characters"},
        {"field": "tags", "message": "must be a list"},
        {"field": "other", "message": "is not a parameter of this workflow"},
    ]
    assert error.field == "customer"
    assert str(error) == 'Parameter "customer" is required (4 more)'


def test_null_for_a_parameter_with_another_default_is_refused(order, refused):
    error = refused(order, {"customer": "a@acme.local", "quantity": 2, "note": None})
    assert error.details["errors"] == [{"field": "note", "message": "must be text"}]


@pytest.mark.parametrize("values", [[1], "text", None, 5])
def test_what_is_no_object_is_refused_as_a_whole(order, refused, values):
    error = refused(order, values)
    assert str(error) == "The parameters must be a JSON object"
    assert error.details == {"errors": [{"field": None, "message": "The parameters must be a JSON object"}]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["a\x00"], "at [0]: holds a NUL character"),
        (["\ud800"], "at [0]: holds half a surrogate pair"),
        ([{"a": object()}], "at [0].a: is an object"),
        ([float("nan")], "at [0]: is NaN, which JSON does not have"),
    ],
)
def test_what_is_not_json_is_an_error_of_its_field(order, refused, value, message):
    error = refused(order, {"customer": "a@acme.local", "quantity": 2, "tags": value})
    assert error.details["errors"] == [{"field": "tags", "message": message}]


def test_a_required_value_that_is_not_json_is_not_missing_too(order, refused):
    error = refused(order, {"customer": "a\x00@acme.local", "quantity": 2})
    assert error.details["errors"] == [{"field": "customer", "message": "holds a NUL character"}]


def test_deep_nesting_is_an_error_of_its_field(order, refused):
    value: list = []
    for _ in range(5_000):
        value = [value]
    error = refused(order, {"customer": "a@acme.local", "quantity": 2, "tags": value})
    assert error.field == "tags"
    assert "nested more than 100 levels deep" in error.details["errors"][0]["message"]


def test_a_name_that_cannot_be_stored_is_cleaned_in_the_answer(order, refused):
    error = refused(order, {"customer": "a@acme.local", "quantity": 2, "b\x00" + "x" * 500: 1})
    [entry] = error.details["errors"]
    assert entry["field"].startswith("b\ufffdx")
    assert len(entry["field"]) == 100


def test_a_name_that_is_no_text_is_surplus(order, refused):
    error = refused(order, {"customer": "a@acme.local", "quantity": 2, 5: 1})
    assert error.details["errors"] == [{"field": "5", "message": "is not a parameter of this workflow"}]


def test_an_answer_names_a_bounded_number_of_fields(order, refused):
    error = refused(order, {f"surplus_{number}": 1 for number in range(5_000)})
    assert len(error.details["errors"]) == MAX_ERRORS
    assert str(error).endswith("(5,001 more)")


def test_a_refused_value_is_not_repeated(workflow_of, refused):
    spec = workflow_of(
        '@workflow\n@param("code", "secret", validation={"pattern": "^[0-9]+$"})\ndef w(context, code): ...'
    )
    error = refused(spec, {"code": "hunter22"})
    assert "hunter22" not in str(error) + repr(error.details)


def test_the_json_schema_of_all_parameters(order):
    schema = order.parameters_schema()
    assert schema["required"] == ["customer", "quantity"]
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == ["customer", "quantity", "note", "tags"]
    assert schema["properties"]["quantity"] == {
        "title": "Quantity",
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "description": "How many",
    }


def test_text_becomes_values_ready_to_validate(order):
    values = order.parse_text({"customer": "a@acme.local", "quantity": "2", "tags": "a,b"})
    assert values == {"customer": "a@acme.local", "quantity": 2, "tags": ["a", "b"]}


def test_nothing_typed_counts_as_left_out_unless_it_is_text(order):
    assert order.parse_text({"quantity": "", "tags": " ", "note": ""}) == {"note": ""}


def test_text_that_cannot_be_read_is_refused_like_a_bad_value(order):
    with pytest.raises(ValidationError) as caught:
        order.parse_text({"quantity": "two", "customer": "a@acme.local"})
    assert caught.value.details == {
        "field": "quantity",
        "errors": [{"field": "quantity", "message": "must be a whole number"}],
    }


def test_a_name_that_the_workflow_does_not_know_is_left_to_validate(order, refused):
    values = order.parse_text({"quantity": "2", "customer": "a@acme.local", "other": "x"})
    assert refused(order, values).field == "other"


def test_the_validator_is_built_once(order):
    order.validate({"customer": "a@acme.local", "quantity": 2})
    assert order._validator is order._validator


def test_specs_are_told_apart_by_identity(workflow_of):
    first, second = workflow_of(ORDER), workflow_of(ORDER)
    assert first != second
    assert len({first, second}) == 2
