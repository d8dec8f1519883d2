"""Files in the SDK: the parameter's type, and `save_file` and `read_file` as authors' tests see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bifrost import testing
from bifrost.sdk.errors import Detached, ValidationError
from bifrost.sdk.files import file_of
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.specs import WorkflowSpec

ID = "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f"
FILE = {"fileId": ID, "name": "users.csv", "contentType": "text/csv", "size": 3}


def test_a_file_that_was_saved_is_named_and_can_be_read_again() -> None:
    context = testing.context()

    async def work() -> bytes:
        file = await context.save_file("users.csv", b"a;b", "text/csv")
        assert {**file, "fileId": ID} == FILE
        return await context.read_file(file)

    assert asyncio.run(work()) == b"a;b"
    assert context.saved_files == {"users.csv": b"a;b"}


def test_text_is_kept_as_utf_8() -> None:
    context = testing.blocking_context()
    context.save_file("names.txt", "Zoë")
    assert context.saved_files == {"names.txt": "Zoë".encode()}


def test_saving_is_a_step_whose_record_has_no_content() -> None:
    context = testing.context()
    asyncio.run(context.save_file("a.txt", b"confidential"))
    [record] = context.records
    assert (record.kind, record.name, record.data["value"]["name"]) == ("step", "save_file", "a.txt")
    assert "confidential" not in repr(context.records)


def test_inside_a_step_it_is_part_of_that_step() -> None:
    context = testing.context()

    async def work() -> dict[str, Any]:
        return await context.save_file("a.txt", "a")

    file = asyncio.run(context.step("work", work))
    assert file["name"] == "a.txt"
    assert [record.name for record in context.records if record.kind == "step"] == ["work"]


def test_a_test_gives_the_files_that_its_parameters_name() -> None:
    context = testing.blocking_context(files={ID: b"a;b"})
    assert context.read_file(FILE) == context.read_file({"fileId": ID}) == b"a;b"


@pytest.mark.parametrize("file", [{"fileId": ID}, {"fileId": "x"}, {"name": "a"}, {}, ID, None, {"fileId": 7}])
def test_what_is_no_file_cannot_be_read(file: Any) -> None:
    with pytest.raises(ValidationError):
        testing.blocking_context().read_file(file)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a", 7, None), ("a", None, None), (None, b"", None), ("a", b"", 7), ("a", "\ud800", None)],
)
def test_what_cannot_be_a_file_is_refused(name: Any, content: Any, kind: Any) -> None:
    context = testing.blocking_context()
    with pytest.raises(ValidationError):
        context.save_file(name, content, kind)
    assert context.saved_files == {}


def test_a_run_that_was_taken_away_keeps_nothing() -> None:
    context = testing.context()
    context._host.detached = True
    for call in (context.save_file("a", b""), context.read_file(FILE)):
        with pytest.raises(Detached):
            asyncio.run(call)


def test_only_what_names_a_file_is_kept_of_an_object() -> None:
    assert file_of({**FILE, "password": "hunter22"}) == FILE


# --- the parameter ----------------------------------------------------------------------------------------------------


def test_a_parameter_may_be_a_file() -> None:
    parameter = ParameterSpec("users", "file", required=True)
    schema = parameter.json_schema()
    assert schema["type"] == "object" and schema["required"] == ["fileId"] and schema["x-file"] == {}
    assert set(schema["properties"]) == {"fileId", "name", "contentType", "size"}


def test_a_hint_says_so_too(workflow_of: Callable[[str], WorkflowSpec]) -> None:
    spec = workflow_of(
        """
        @workflow
        async def imports(context, users: File, more: list[File] = [], maybe: Optional[File] = None):
            pass
        """
    )
    users, more, maybe = spec.parameters
    assert users.type == "file" and users.required
    assert more.values.item is not None and more.values.item.kind == "file"
    assert maybe.values.kind == "file" and maybe.values.nullable
    assert spec.validate({"users": FILE, "more": [{"fileId": ID}]}) == {
        "users": FILE,
        "more": [{"fileId": ID}],
        "maybe": None,
    }


@pytest.mark.parametrize(
    "value",
    [
        ID,
        {},
        {"fileId": ""},
        {"fileId": "../x"},
        {"fileId": f"{ID}\n"},
        {"fileId": 7},
        {**FILE, "path": "/etc"},
        [FILE],
    ],
)
def test_what_names_no_file_is_refused(workflow_of: Callable[[str], WorkflowSpec], value: Any) -> None:
    spec = workflow_of(
        """
        @workflow
        @param("users", "file", required=True)
        async def imports(context, users):
            pass
        """
    )
    with pytest.raises(ValidationError, match="users"):
        spec.validate({"users": value})


def test_on_the_command_line_a_file_is_its_json() -> None:
    parameter = ParameterSpec("users", "file")
    assert parameter.parse_text(f'{{"fileId": "{ID}"}}') == {"fileId": ID}
    with pytest.raises(ValueError, match="a file that was uploaded"):
        parameter.parse_text("users.csv")
