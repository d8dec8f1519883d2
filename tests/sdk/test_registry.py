from __future__ import annotations

import pytest

from bifrost.sdk.registry import Problem, collect

WHERE = "workspace/workflows/sample.py"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '@workflow(name="w")\n@param("a", "int")\n@param("a", "string")\nasync def w(context, a): ...',
            ['3: workflow "w": parameter "a" is declared twice'],
        ),
        (
            '@workflow(name="w")\n@param("a", "int")\n@param("b", "int")\nasync def w(context, a): ...',
            ['3: workflow "w": parameter "b" is not taken by the function'],
        ),
        (
            '@workflow(name="w")\n@param("context", "int")\nasync def w(context, **extra): ...',
            ['2: workflow "w": parameter "context" is not taken by the function'],
        ),
        (
            '@workflow("w", execution_mode="scheduled", schedule="0 25 * * *")\nasync def w(context): ...',
            [
                "1: workflow \"w\": schedule '0 25 * * *' is not a cron expression: "
                "[0 25 * * *] is not acceptable, out of range"
            ],
        ),
        (
            '@workflow(name="w", execution_mode="scheduled", schedule="tomorrow")\nasync def w(context): ...',
            ["1: workflow \"w\": schedule 'tomorrow' is not a cron expression of five fields"],
        ),
        (
            '@workflow(name="w", schedule="tomorrow")\nasync def w(context): ...',
            ["1: workflow \"w\": schedule 'tomorrow' is not a cron expression of five fields"],
        ),
        (
            '@workflow(name="w", execution_mode="scheduled")\nasync def w(context): ...',
            ['1: workflow "w": execution_mode="scheduled" needs a schedule, a cron expression'],
        ),
        (
            '@workflow("w", execution_mode="scheduled", schedule="@daily")\ndef w(context, a, b=1): ...',
            ['1: workflow "w": a scheduled workflow cannot have required parameters: a'],
        ),
        (
            '@workflow(name="w", timeout_seconds=60, max_duration_seconds=30)\nasync def w(context): ...',
            ['1: workflow "w": max_duration_seconds (30) is less than timeout_seconds (60)'],
        ),
        (
            '@workflow(name="w", max_duration_seconds=299)\nasync def w(context): ...',
            ['1: workflow "w": max_duration_seconds (299) is less than timeout_seconds (300)'],
        ),
        (
            '@workflow(name="w", execution_mode="later")\nasync def w(context): ...',
            ["1: workflow \"w\": execution_mode 'later' is none of sync, async, scheduled"],
        ),
        (
            '@workflow(name="w", retry_policy={"attempts": 3})\nasync def w(context): ...',
            [
                "1: workflow \"w\": retry_policy has no 'attempts'; it has backoff_multiplier, "
                "initial_interval_seconds, jitter, max_attempts, max_interval_seconds, non_retryable, retry_on"
            ],
        ),
        (
            '@workflow(name="w")\n@workflow(name="v")\nasync def w(context): ...',
            ['1: workflow "w": is declared twice'],
        ),
        (
            '@workflow(name="w")\nasync def w(context):\n    yield 1',
            ['1: workflow "w": the function must return its result, not yield it'],
        ),
        ('@param("a", "int")\nasync def w(context, a): ...', ['1: "w" has @param but no @workflow']),
        (
            '@workflow(name="w")\n@data_provider(name="p")\nasync def w(context): ...',
            ['1: "w" is both a workflow and a data provider'],
        ),
        (
            '@workflow(name="w")\nclass W: ...',
            ['1: "W" only a function can be a workflow or a data provider'],
        ),
    ],
)
def test_a_mistake_is_a_problem_that_names_file_and_line(problems_of, source, expected):

    assert problems_of(source) == [f"{WHERE}:{problem}" for problem in expected]


def test_an_unknown_type_is_a_problem_of_its_param_s_line(problems_of):
    [problem] = problems_of(
        '@workflow(name="w")\n@param("a", "int")\n@param("b", "banana")\nasync def w(context, a, b): ...'
    )
    assert problem.startswith(
        f'{WHERE}:3: workflow "w": parameter "b" has the unknown type \'banana\'; types are string, '
    )


def test_every_mistake_of_a_workflow_is_told_at_once(problems_of):
    problems = problems_of(
        """
        @workflow(name="w", timeout_seconds=0)
        @param("a", "banana")
        @param("a", "int")
        @param("b", "int")
        async def w(context, a, c: bytes): ...
        """
    )
    assert [problem.split(": ")[0] for problem in problems] == [f"{WHERE}:{line}" for line in (1, 3, 4, 2, 1)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("name=''", "the name must be text of 1 to 100 characters"),
        ("name='x' * 101", "the name must be text of 1 to 100 characters"),
        ("name='a\\x00b'", "the name must be text"),
        ("name=' a'", "the name must be text"),
        ("name=5", "the name must be text"),
        ("name='a/b'", "must not have a slash"),
        ("description=5", "the description must be text"),
        ("category=''", "the category must be text"),
        ("tags='m365'", "tags must be a list of texts"),
        ("tags=[1]", "tags must be a list of texts"),
        ("timeout_seconds='30'", "timeout_seconds must be a number of seconds above 0"),
        ("timeout_seconds=True", "timeout_seconds must be a number"),
        ("max_duration_seconds=-1", "max_duration_seconds must be a number"),
        ("timeout_seconds=float('inf')", "timeout_seconds must be a number"),
        ("requires_org='no'", "requires_org must be True or False"),
        ("expose_in_forms=1", "expose_in_forms must be True or False"),
        ("requires_approval=None", "requires_approval must be True or False"),
        ("webhook_enabled='yes'", "webhook_enabled must be True or False"),
        ("required_permission=None", "required_permission must be the name of a permission"),
        ("retry_policy='often'", "retry_policy must be a mapping or a RetryPolicy"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_a_problem(problems_of, arguments, words):
    [problem] = problems_of(f"@workflow({arguments})\nasync def w(context): ...")
    assert words in problem


def test_a_workflow_with_a_problem_hides_no_other(load):
    found = load(
        """
        @workflow(name="bad", execution_mode="later")
        async def bad(context): ...

        @workflow(name="good")
        async def good(context): ...
        """
    )
    assert [spec.name for spec in found.workflows] == ["good"]
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (
            "name='w', timeout_seconds=60",
            "a sync workflow is stopped after 30 seconds: timeout_seconds is 60",
        ),
        ("name='MyWorkflow'", 'the name "MyWorkflow" is not snake_case'),
        ("name='my-workflow'", 'the name "my-workflow" is not snake_case'),
        (
            "name='w', schedule='0 9 * * *'",
            'schedule counts only with execution_mode="scheduled", not "sync"',
        ),
        (
            "name='w', webhook_enabled=True, webhook_secret_required=False",
            "anybody who knows its address can start it: webhook_secret_required is False",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning(workflow_of, arguments, warning):
    assert workflow_of(f"@workflow({arguments})\nasync def w(context): ...").warnings == (warning,)


@pytest.mark.parametrize(
    "arguments",
    [
        "name='w'",
        "name='w', timeout_seconds=30",
        "name='create_m365_user'",
        "name='w', execution_mode='async', timeout_seconds=1800",
        "name='w', execution_mode='scheduled', schedule='0 2 * * *', timeout_seconds=600",
        "name='w', webhook_enabled=True",
        "name='w', webhook_secret_required=False",
    ],
)
def test_what_is_usual_is_none(workflow_of, arguments):
    assert workflow_of(f"@workflow({arguments})\nasync def w(context): ...").warnings == ()


def test_a_schedule_on_another_mode_is_kept(workflow_of):
    spec = workflow_of("@workflow(name='w', execution_mode='async', schedule='0 9 * * *')\nasync def w(context): ...")
    assert spec.schedule == "0 9 * * *"


def test_the_longest_duration_follows_from_timeout_and_attempts(workflow_of):
    spec = workflow_of("@workflow(timeout_seconds=20, retry_policy={'max_attempts': 3})\nasync def w(context): ...")
    assert (spec.timeout_seconds, spec.max_duration_seconds) == (20, 60)


def test_a_scheduled_workflow_may_have_optional_parameters(workflow_of):
    spec = workflow_of("@workflow(execution_mode='scheduled', schedule='@daily')\nasync def w(context, days=30): ...")
    assert spec.validate({}) == {"days": 30}


def test_specs_know_where_they_stand(workflow_of):
    spec = workflow_of("\n\nX = 1\n\n@workflow\nasync def w(context): ...")
    assert (spec.file, spec.line) == (WHERE, 3)


def test_what_a_module_imported_is_another_s(module):
    other = module("@workflow\nasync def theirs(context): ...")
    other.theirs.__module__ = "another_module"
    assert collect(other).workflows == []


def test_one_function_under_two_names_is_one_workflow(load):
    assert len(load("@workflow\nasync def w(context): ...\nalias = w").workflows) == 1


def test_a_function_beside_its_own_wrapper_is_one_workflow(load):
    found = load(
        """
        import functools
        @workflow
        async def inner(context): ...
        @functools.wraps(inner)
        async def outer(*args, **kwargs):
            return await inner(*args, **kwargs)
        """
    )
    assert len(found.workflows) == 1


def test_workflows_come_in_the_order_of_their_lines(load):
    found = load("@workflow\nasync def b(context): ...\n@workflow\nasync def a(context): ...\nZ = b")
    assert [spec.name for spec in found.workflows] == ["b", "a"]


def test_two_workflows_of_one_name_are_both_shown_for_the_catalog_to_refuse(load):
    found = load("@workflow('x')\nasync def b(context): ...\n@workflow('x')\nasync def a(context): ...")
    assert [spec.line for spec in found.workflows] == [1, 3]


def test_undecorated_functions_are_nobody_s_business(load):
    found = load("def helper(a): ...\nclass Thing: ...\nVALUE = 5")
    assert (found.workflows, found.data_providers, found.problems) == ([], [], [])


def test_a_data_provider_is_collected(load):
    found = load(
        """
        @data_provider(name="get_groups", description="Groups", category="m365", cache_ttl_seconds=60)
        async def get_groups(context, department, site="x"): ...
        """
    )
    [spec] = found.data_providers
    assert (spec.name, spec.description, spec.category, spec.cache_ttl_seconds) == (
        "get_groups",
        "Groups",
        "m365",
        60,
    )
    assert (spec.depends_on, spec.is_async, spec.file, spec.line) == (("department", "site"), True, WHERE, 1)


def test_a_data_provider_has_the_documents_defaults(load):
    [spec] = load('@data_provider(name="p")\ndef p(context):\n    """Options."""').data_providers
    assert (spec.description, spec.category, spec.cache_ttl_seconds, spec.is_async) == (
        "Options.",
        "General",
        300,
        False,
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("@data_provider(name='p', cache_ttl_seconds=-1)\ndef p(context): ...", "cache_ttl_seconds must be"),
        ("@data_provider(name='p', cache_ttl_seconds='5')\ndef p(context): ...", "cache_ttl_seconds must be"),
        ("@data_provider(name='')\ndef p(context): ...", "the name must be text"),
        ("@data_provider(name='p')\ndef p(): ...", "must take the context"),
        ("@data_provider(name='p')\n@data_provider(name='q')\ndef p(context): ...", "is declared twice"),
        (
            "@data_provider(name='p')\n@param('a', 'int')\ndef p(context, a): ...",
            "a data provider has no @param",
        ),
    ],
)
def test_a_mistake_in_a_data_provider_is_a_problem(load, source, words):
    found = load(source)
    assert found.data_providers == []
    assert words in str(found.problems[0])


def test_a_data_provider_s_name_that_is_not_snake_case_is_a_warning(load):
    [spec] = load("@data_provider(name='GetUsers')\ndef p(context): ...").data_providers
    assert spec.warnings == ('the name "GetUsers" is not snake_case',)


def test_a_problem_reads_like_a_compiler_s():
    assert str(Problem("a.py", 12, "it is wrong")) == "a.py:12: it is wrong"
