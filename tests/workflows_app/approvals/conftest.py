"""The API's clients, as the tests of the other routes have them."""

from tests.workflows_app.rest.conftest import api, api_of, workspace

__all__ = ["api", "api_of", "workspace"]
