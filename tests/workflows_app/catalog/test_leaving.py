"""What workspace code does on its way out: nothing where its run was put aside, everything else as Python says."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from bifrost.sdk.errors import Detached
from workflows_app.catalog import leaving

SOURCE = """
    def run(said, error):
        try:
            try:
                if error:
                    raise error
                return "returned"
            finally:
                said.append("finally")
        except:
            said.append("bare")
            raise
        finally:
            said.append("outer")
"""


def run(source: str, error: BaseException | None) -> tuple[list[str], Any]:
    namespace: dict[str, Any] = {leaving.NAME: leaving.is_leaving}
    exec(leaving.compiled(textwrap.dedent(source).encode(), "example.py"), namespace)
    said: list[str] = []
    try:
        return said, namespace["run"](said, error)
    except BaseException as raised:  # noqa: BLE001  the answer
        return said, raised


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_passes_through_handlers_and_finally(error: BaseException) -> None:
    assert run(SOURCE, error) == (["finally", "bare", "outer"], error)


def test_a_return_passes_through_finally() -> None:
    assert run(SOURCE, None) == (["finally", "outer"], "returned")


def test_a_run_that_is_put_aside_leaves_without_a_trace() -> None:
    gone = Detached()
    assert run(SOURCE, gone) == ([], gone)


def test_a_run_that_nobody_goes_on_with_cleans_up() -> None:
    gone = Detached(gone=True)
    assert run(SOURCE, gone) == (["finally", "bare", "outer"], gone)


@pytest.mark.parametrize("caught", ["BaseException", "builtins.BaseException as e", "(ValueError, BaseException)"])
def test_a_handler_of_everything_lets_it_pass(caught: str) -> None:
    source = f"""
        import builtins
        def run(said, error):
            try:
                raise error
            except {caught}:
                said.append("caught")
    """
    gone = Detached()
    assert run(source, gone) == ([], gone)
    assert run(source, ValueError()) == (["caught"], None)


def test_tracebacks_name_the_lines_of_the_file() -> None:
    _, raised = run(SOURCE, ValueError("no"))
    assert raised.__traceback__.tb_next.tb_lineno == 6
    # The handler's `raise` shows as well.
    with pytest.raises(SyntaxError) as refused:
        leaving.compiled(b"try:\n  pass\nfinally:\n  return\n", "example.py")
    assert (refused.value.filename, refused.value.lineno) == ("example.py", 4)
