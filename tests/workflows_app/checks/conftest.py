"""A workspace of the test's own, and an engine; as the engine's tests have them."""

from tests.workflows_app.engine.conftest import engine_stops, run, workspace
from tests.workflows_app.rest.conftest import api, api_of

__all__ = ["api", "api_of", "engine_stops", "run", "workspace"]
