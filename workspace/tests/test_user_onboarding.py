"""The advanced document's test of onboard_user."""

from unittest.mock import AsyncMock, MagicMock

import pytest
from workflows.user_onboarding import onboard_user


@pytest.mark.asyncio
async def test_onboard_user_success():
    # Mock context
    context = MagicMock()
    context.org_id = "org-123"
    context.org_name = "Test Org"
    context.get_config = MagicMock(return_value="default_value")

    # Mock integration
    mock_graph = AsyncMock()
    mock_graph.create_user = AsyncMock(return_value={"id": "user-456"})
    context.get_integration = MagicMock(return_value=mock_graph)

    # Execute workflow
    result = await onboard_user(context, email="test@example.com", first_name="Test", last_name="User")

    # Assert
    assert result["success"] is True
    assert result["user_id"] == "user-456"
    mock_graph.create_user.assert_called_once()
