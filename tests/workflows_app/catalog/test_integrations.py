"""Which integrations a workspace offers, by name."""

from __future__ import annotations

from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import Workspace

NAMED = "from bifrost import BaseIntegration\n\nclass {0}(BaseIntegration):\n    integration_name = {1!r}\n"
REGISTERED = """\
from bifrost import BaseIntegration, register_integration

class Erp(BaseIntegration):
    pass

register_integration("erp", Erp)
"""


def names(workspace: Workspace) -> dict[str, str]:
    return {name: found.__name__ for name, found in workspace.current().home.integrations.items()}


def test_a_class_registers_itself_by_its_name_and_another_by_a_call(write: Write, workspace: Workspace) -> None:
    write("integrations/weather.py", NAMED.format("Weather", "Weather"))
    write("integrations/erp.py", REGISTERED)
    write("workflows/a.py", workflow("a"))

    assert names(workspace) == {"weather": "Weather", "erp": "Erp"}
    assert workspace.current().problems == ()


def test_one_that_is_imported_elsewhere_is_one(write: Write, workspace: Workspace) -> None:
    write("integrations/weather.py", NAMED.format("Weather", "weather"))
    write("workflows/a.py", "from workspace.integrations.weather import Weather\n" + workflow("a"))

    assert names(workspace) == {"weather": "Weather"}
    assert workspace.current().problems == ()


def test_a_second_class_of_one_name_is_refused_and_named(write: Write, workspace: Workspace) -> None:
    write("integrations/a.py", NAMED.format("First", "weather"))
    write("integrations/b.py", NAMED.format("Second", "WEATHER"))
    write("workflows/a.py", workflow("a"))

    assert names(workspace) == {"weather": "First"}
    (problem,) = workspace.current().problems
    assert (problem.file, problem.message) == (
        "integrations/b.py",
        'integration "weather": Second is refused, since First has that name.',
    )


def test_one_that_ships_is_replaced_by_the_workspace_s_own(write: Write, workspace: Workspace) -> None:
    write("integrations/connectwise.py", NAMED.format("ConnectWiseIntegration", "connectwise"))
    write("workflows/a.py", workflow("a"))

    assert names(workspace) == {"connectwise": "ConnectWiseIntegration"}
    assert workspace.current().problems == ()


def test_a_base_class_without_a_name_is_none(write: Write, workspace: Workspace) -> None:
    write("integrations/base.py", "from bifrost import BaseIntegration\n\nclass Ours(BaseIntegration):\n    pass\n")
    write("workflows/a.py", workflow("a"))

    assert names(workspace) == {}
