from __future__ import annotations

import asyncio
import builtins
import copy
import pickle

import pytest

from bifrost.sdk import errors
from bifrost.sdk.errors import (
    CircuitBreakerOpen,
    ConfigurationError,
    Detached,
    IntegrationError,
    PermissionError,
    SerializationError,
    TimeoutError,
    ValidationError,
    WorkflowException,
    as_document,
    from_document,
)

KNOWN = [
    ValidationError,
    PermissionError,
    ConfigurationError,
    IntegrationError,
    CircuitBreakerOpen,
    TimeoutError,
    SerializationError,
    errors.DatabaseError,
    errors.TooLarge,
    errors.NonDeterminismError,
    errors.MaxRetriesExceeded,
    errors.EscalatedError,
    errors.WorkerLost,
]


class BusinessLogicError(WorkflowException):
    """As the guide writes it: its constructor takes other arguments than its base's."""

    def __init__(self, message: str, business_rule: str, details: dict = None):  # noqa: RUF013
        super().__init__(message=message, error_type="BusinessLogicError", details=details or {})
        self.business_rule = business_rule


def test_named_arguments_are_details_and_attributes():
    error = ValidationError("Invalid email", field="email", details={"provided_value": "x"})
    assert (error.message, str(error), error.field) == ("Invalid email", "Invalid email", "email")
    assert error.details == {"provided_value": "x", "field": "email"}
    assert error.error_type == "ValidationError"


def test_arguments_that_are_not_given_are_attributes_but_no_details():
    error = IntegrationError(integration="msgraph", message="It failed", status_code=None)
    assert error.details == {"integration": "msgraph"}
    assert error.status_code is None


def test_both_documents_calls_of_an_integration_error_work():
    first = IntegrationError("API call failed", details={"error": "boom"})
    second = IntegrationError(integration="custom_api", message="API call failed", status_code=502)
    assert first.details == {"error": "boom"}
    assert second.details == {"integration": "custom_api", "status_code": 502}


def test_a_permission_error_says_role_and_user():
    error = PermissionError("Administrators only", required_role="admin", current_user="ann@acme.local")
    assert error.details == {"required_role": "admin", "current_user": "ann@acme.local"}


def test_a_configuration_error_names_the_key():
    assert ConfigurationError("Not configured", config_key="api_endpoint").config_key == "api_endpoint"


def test_further_keyword_arguments_are_accepted():
    error = ConfigurationError("Missing", "api_key", hint="Ask the administrator")
    assert error.details == {"config_key": "api_key", "hint": "Ask the administrator"}
    assert error.hint == "Ask the administrator"


def test_a_further_argument_does_not_replace_what_every_error_has():
    error = WorkflowException("Boom", args="mine", with_traceback="mine")
    assert error.args == ("Boom",)
    assert callable(error.with_traceback)
    assert error.details == {"args": "mine", "with_traceback": "mine"}


@pytest.mark.parametrize("details", ["a text", ["a", "list"], 7])
def test_details_of_another_type_do_not_hide_the_error(details):
    assert WorkflowException("Boom", details=details).details == {"details": details}


def test_the_details_given_are_copied():
    given = {"a": 1}
    WorkflowException("Boom", details=given).details["b"] = 2
    assert given == {"a": 1}


def test_a_named_argument_wins_over_the_same_detail():
    assert ValidationError("Bad", field="email", details={"field": "other"}).details == {"field": "email"}


def test_a_message_that_is_no_text_becomes_one():
    assert WorkflowException(ValueError("inner")).message == "inner"


def test_an_error_type_can_be_given_and_is_the_class_name_otherwise():
    assert WorkflowException("Boom", error_type="Custom").error_type == "Custom"
    assert BusinessLogicError("Boom", "MAX").error_type == "BusinessLogicError"
    assert WorkflowException().error_type == "WorkflowException"


def test_every_known_error_is_a_workflow_exception():
    assert all(issubclass(known, WorkflowException) for known in KNOWN)


def test_a_time_out_is_caught_as_the_builtin_and_as_asyncio_s():
    error = TimeoutError("Too slow", timeout_seconds=30, operation="export")
    assert isinstance(error, builtins.TimeoutError)
    assert isinstance(error, asyncio.TimeoutError)
    assert str(error) == "Too slow"
    assert error.details == {"timeout_seconds": 30, "operation": "export"}


def test_the_documents_other_names_are_the_same_classes():
    assert errors.ExternalApiError is IntegrationError
    assert errors.InvalidInput is ValidationError
    assert errors.TenantValidationFailed is PermissionError


@pytest.mark.parametrize("copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("known", [*KNOWN, WorkflowException])
def test_errors_survive_pickling_and_copying(known, copied):
    again = copied(known("Boom", details={"a": [1]}))
    assert type(again) is known
    assert (again.message, again.args, again.details) == ("Boom", ("Boom",), {"a": [1]})


def test_an_error_with_a_constructor_of_its_own_survives_pickling():
    again = pickle.loads(pickle.dumps(BusinessLogicError("Full", business_rule="MAX", details={"limit": 100})))
    assert (again.business_rule, again.details, str(again)) == ("MAX", {"limit": 100}, "Full")


def test_the_document_of_a_workflow_exception_is_its_own():
    assert as_document(ValidationError("Bad", field="email")) == {
        "error": "ValidationError",
        "message": "Bad",
        "details": {"field": "email"},
    }


def test_an_unexpected_error_shows_nothing_internal():
    assert as_document(KeyError("password=hunter2")) == {
        "error": "InternalServerError",
        "message": "An unexpected error occurred during workflow execution",
        "details": {},
    }


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), builtins.PermissionError("/etc/shadow")])
def test_other_base_exceptions_and_builtins_are_unexpected_too(error):
    assert as_document(error)["error"] == "InternalServerError"


def test_a_builtin_time_out_is_a_time_out():
    assert as_document(builtins.TimeoutError("Supplier is slow")) == {
        "error": "TimeoutError",
        "message": "Supplier is slow",
        "details": {},
    }


def test_a_time_out_of_the_operating_system_shows_no_address():
    error = builtins.TimeoutError(110, "Connect call failed ('10.0.0.1', 5432)")
    assert as_document(error)["message"] == "An operation of the workflow timed out"


def test_a_time_out_without_words_gets_some():
    assert as_document(builtins.TimeoutError())["message"] == "An operation of the workflow timed out"


def test_a_document_is_json_whatever_the_details_hold():
    document = as_document(WorkflowException("NUL \x00", details={"when": object, "n": float("nan")}))
    assert document["message"] == "NUL \ufffd"
    assert document["details"] == {"when": "<class 'object'>", "n": "NaN"}


@pytest.mark.parametrize("known", KNOWN)
def test_a_known_error_comes_back_from_its_document_as_its_class(known):
    again = from_document(as_document(known("Boom", details={"a": 1})))
    assert type(again) is known
    assert (again.message, again.details) == ("Boom", {"a": 1})


def test_an_error_from_a_document_has_its_attributes():
    again = from_document(as_document(IntegrationError("Down", integration="halopsa", status_code=503)))
    assert (again.integration, again.status_code) == ("halopsa", 503)


def test_an_unknown_error_comes_back_as_a_workflow_exception_of_that_type():
    again = from_document({"error": "BusinessLogicError", "message": "Full", "details": None})
    assert type(again) is WorkflowException
    assert (again.error_type, again.message, again.details) == ("BusinessLogicError", "Full", {})


def test_a_name_that_only_looks_like_ours_gives_no_other_class():
    assert type(from_document({"error": "WorkflowException", "message": "x"})) is WorkflowException
    assert type(from_document({"error": "Detached", "message": "x"})) is WorkflowException


def test_detached_passes_code_that_catches_every_exception():
    assert issubclass(Detached, BaseException)
    assert not issubclass(Detached, Exception)


def test_what_the_module_exports_exists():
    assert all(hasattr(errors, name) for name in errors.__all__)
