"""The samples of the workflow documents' integration sections, as written there."""

from __future__ import annotations

CUSTOM_API = '''
# /workspace/integrations/custom_api.py
from engine.shared.integrations.base import BaseIntegration
from engine.shared.error_handling import IntegrationError
import aiohttp

class CustomAPIIntegration(BaseIntegration):
    integration_name = "custom_api"

    async def authenticate(self):
        """Authenticate to custom API."""
        api_key = await self.get_secret("custom_api_key")
        base_url = self.get_config("custom_api_url")

        self.base_url = base_url
        self.headers = {"Authorization": f"Bearer {api_key}"}

        return api_key

    async def get_data(self, endpoint: str):
        """Get data from API endpoint."""
        started_at = datetime.utcnow()
        url = f"{self.base_url}{endpoint}"

        try:
            async with aiohttp.ClientSession() as session:
                async with session.get(url, headers=self.headers) as response:
                    data = await response.json()

                    # Track successful call
                    duration_ms = int((datetime.utcnow() - started_at).total_seconds() * 1000)
                    self.context._track_integration_call(
                        integration="custom_api",
                        method="GET",
                        endpoint=endpoint,
                        status_code=response.status,
                        duration_ms=duration_ms
                    )

                    return data

        except Exception as e:
            # Track failed call
            duration_ms = int((datetime.utcnow() - started_at).total_seconds() * 1000)
            self.context._track_integration_call(
                integration="custom_api",
                method="GET",
                endpoint=endpoint,
                status_code=500,
                duration_ms=duration_ms,
                error=str(e)
            )

            raise IntegrationError(
                integration="custom_api",
                message=f"API call failed: {str(e)}"
            )

# Register the integration
from engine.shared.integrations.base import register_integration
register_integration("custom_api", CustomAPIIntegration)

# Use in workflow
async def custom_api_example(context: OrganizationContext):
    api = context.get_integration("custom_api")
    data = await api.get_data("/users")
    return {"users": data}
'''

CUSTOM_API_TEST = """
# /workspace/tests/test_integrations.py
import pytest
import aiohttp
from workspace.integrations.custom_api import CustomAPIIntegration

@pytest.mark.asyncio
async def test_custom_api_integration():
    # Mock context
    context = MagicMock()
    context.get_secret = AsyncMock(return_value="test-api-key")
    context.get_config = MagicMock(return_value="https://api.example.com")
    context._track_integration_call = MagicMock()

    # Create integration
    integration = CustomAPIIntegration(context)

    # Mock HTTP response
    with aioresponses() as m:
        m.get(
            "https://api.example.com/users",
            payload={"users": [{"id": 1, "name": "Test User"}]}
        )

        # Test API call
        result = await integration.get_data("/users")

        assert result["users"][0]["name"] == "Test User"
        context._track_integration_call.assert_called_once()
"""

CONNECTWISE = '''
# shared/integrations/connectwise.py
from shared.integrations.base import BaseIntegration
from shared.error_handling import IntegrationError

class ConnectWiseIntegration(BaseIntegration):
    integration_name = "connectwise"  # Auto-registered

    async def authenticate(self) -> str:
        """Implement CW-specific auth."""
        company_id = self.get_config('cw_company_id')
        public_key = self.get_config('cw_public_key')
        private_key = await self.get_secret('cw_private_key')

        # CW auth logic
        # ...

        return access_token

    async def create_ticket(self, summary: str, description: str):
        """Standard method."""
        started_at = datetime.utcnow()
        endpoint = "/v2022_1/service/tickets"

        try:
            token = await self.authenticate()
            response = await self.http_client.post(
                f"{self.api_url}{endpoint}",
                headers={"Authorization": f"Bearer {token}"},
                json={"summary": summary, "description": description}
            )

            # Track successful call
            duration_ms = int((datetime.utcnow() - started_at).total_seconds() * 1000)
            self.context._track_integration_call(
                integration="connectwise",
                method="POST",
                endpoint=endpoint,
                status_code=response.status_code,
                duration_ms=duration_ms,
                error=None
            )

            return response.json()

        except Exception as e:
            # Track failed call
            duration_ms = int((datetime.utcnow() - started_at).total_seconds() * 1000)
            self.context._track_integration_call(
                integration="connectwise",
                method="POST",
                endpoint=endpoint,
                status_code=getattr(e, 'status_code', 500),
                duration_ms=duration_ms,
                error=str(e)
            )

            raise IntegrationError(
                integration="connectwise",
                message=f"Failed to create ticket: {str(e)}",
                status_code=getattr(e, 'status_code', None)
            )
'''
