from __future__ import annotations

import pytest

from bifrost import data_provider, param, workflow
from bifrost.sdk.declarations import declaration_of

REFERENCE = """
@workflow(
    name="workflow_name",
    description="Description here",
    category="user_management",
    tags=["m365", "user"],
    execution_mode="sync",
    timeout_seconds=300,
    max_duration_seconds=300,
    retry_policy={"max_attempts": 3, "backoff_multiplier": 2},
    schedule="0 9 * * *",
    requires_org=True,
    expose_in_forms=True,
    requires_approval=False,
    required_permission="canExecuteWorkflows",
    webhook_enabled=False,
    webhook_secret_required=True
)
async def my_workflow(context): ...
"""


def test_decorators_return_the_same_function():
    async def plain(context, a): ...

    assert workflow(name="w")(param("a", "int")(plain)) is plain
    assert workflow(plain) is plain
    assert data_provider(name="p")(plain) is plain


def test_a_decorated_function_is_just_called():
    @workflow(name="shout")
    @param("text", "string", required=True)
    def shout(context, text):
        return text.upper()

    assert shout(None, text="hello") == "HELLO"


@pytest.mark.asyncio
async def test_a_decorated_coroutine_function_is_just_awaited():
    @workflow(name="shout")
    async def shout(context, text):
        return text.upper()

    assert await shout(None, "hello") == "HELLO"


def test_decorators_import_and_refuse_nothing():
    @workflow(name="a/b", execution_mode="never")
    @param("missing", "banana")
    def wrong(context): ...

    assert len(declaration_of(wrong).params) == 1


def test_every_argument_of_the_reference_is_on_the_spec(workflow_of):
    spec = workflow_of(REFERENCE)
    assert (spec.name, spec.description, spec.category) == (
        "workflow_name",
        "Description here",
        "user_management",
    )
    assert spec.tags == ("m365", "user")
    assert (spec.execution_mode, spec.timeout_seconds, spec.max_duration_seconds) == ("sync", 300, 300)
    assert (spec.retry_policy.max_attempts, spec.retry_policy.backoff_multiplier) == (3, 2)
    assert spec.schedule == "0 9 * * *"
    assert (spec.requires_org, spec.expose_in_forms, spec.requires_approval) == (True, True, False)
    assert spec.required_permission == "canExecuteWorkflows"
    assert (spec.webhook_enabled, spec.webhook_secret_required) == (False, True)


def test_what_is_not_said_has_the_documents_defaults(workflow_of):
    spec = workflow_of("@workflow(name='w')\nasync def w(context): ...")
    assert (spec.description, spec.category, spec.tags) == ("", "General", ())
    assert (spec.execution_mode, spec.timeout_seconds, spec.max_duration_seconds) == ("sync", 300, 300)
    assert (spec.retry_policy, spec.schedule) == (None, None)
    assert (spec.requires_org, spec.expose_in_forms, spec.requires_approval) == (True, True, False)
    assert spec.required_permission == "canExecuteWorkflows"
    assert (spec.webhook_enabled, spec.webhook_secret_required, spec.warnings) == (False, True, ())


@pytest.mark.parametrize("decorator", ["@workflow", "@workflow()"])
def test_a_workflow_without_a_name_has_its_function_s(workflow_of, decorator):
    assert workflow_of(f"{decorator}\nasync def greet(context): ...").name == "greet"


def test_the_description_is_the_first_line_of_the_docstring(workflow_of):
    source = '@workflow\nasync def w(context):\n    """\n    Does it.\n\n    At length.\n    """'
    assert workflow_of(source).description == "Does it."


@pytest.mark.parametrize(
    "order",
    [
        '@workflow(name="w")\n@param("a", "int")\n@param("b", "bool")\n',
        '@param("a", "int")\n@param("b", "bool")\n@workflow(name="w")\n',
        '@param("b", "bool")\n@workflow(name="w")\n@param("a", "int")\n',
    ],
)
def test_decorators_may_stand_in_any_order(workflow_of, order):
    spec = workflow_of(f"{order}async def w(context, a, b): ...")
    assert [(parameter.name, parameter.type) for parameter in spec.parameters] == [
        ("a", "int"),
        ("b", "bool"),
    ]


def test_what_is_not_declared_comes_from_the_signature(workflow_of):
    spec = workflow_of('@workflow\n@param("b", "email")\nasync def w(context, a: int, b, c="x"): ...')
    assert [(parameter.name, parameter.type) for parameter in spec.parameters] == [
        ("a", "int"),
        ("b", "email"),
        ("c", "json"),
    ]


def test_a_param_may_name_what_keyword_arguments_take(workflow_of):
    spec = workflow_of('@workflow\n@param("b", "int")\n@param("c", "int")\nasync def w(context, a=1, **extra): ...')
    assert [parameter.name for parameter in spec.parameters] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("definition", "is_async"),
    [("async def w(context): ...", True), ("def w(context): ...", False)],
)
def test_plain_and_coroutine_functions_are_told_apart(workflow_of, definition, is_async):
    assert workflow_of(f"@workflow\n{definition}").is_async is is_async


def test_every_argument_of_a_param_is_on_its_spec(workflow_of):
    spec = workflow_of(
        """
        @workflow
        @param("a", "string", "What", required=True, default_value="x", validation={"max_length": 3},
               data_provider="get_a", label="The A")
        async def w(context, a): ...
        """
    )
    [parameter] = spec.parameters
    assert (parameter.name, parameter.type, parameter.description, parameter.label) == (
        "a",
        "string",
        "What",
        "The A",
    )
    assert (parameter.required, parameter.default, parameter.data_provider) == (True, "x", "get_a")
    assert parameter.validation == {"max_length": 3}
