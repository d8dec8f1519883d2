"""The guide's tests of create_user, with the import that they forget."""

from unittest.mock import AsyncMock, MagicMock

import pytest

from bifrost import ValidationError
from workspace.workflows.user_management.create_user import create_user


@pytest.mark.asyncio
async def test_create_user_success():
    # Mock context
    context = MagicMock()
    context.org_id = "test-org"
    context.org_name = "Test Organization"
    context.get_config = MagicMock(return_value="test_value")
    context.log = MagicMock()
    context.save_checkpoint = MagicMock()

    # Mock integration
    mock_graph = AsyncMock()
    mock_graph.create_user = AsyncMock(
        return_value={"id": "user-123", "email": "test@example.com", "displayName": "Test User"}
    )
    context.get_integration = MagicMock(return_value=mock_graph)

    # Execute workflow
    result = await create_user(context, email="test@example.com", name="Test User", department="IT")

    # Assert
    assert result["success"] is True
    assert result["user_id"] == "user-123"
    mock_graph.create_user.assert_called_once_with(email="test@example.com", name="Test User", department="IT")
    context.log.assert_called()


@pytest.mark.asyncio
async def test_create_user_validation_error():
    context = MagicMock()

    # Test invalid email
    with pytest.raises(ValidationError):
        await create_user(context, email="invalid-email", name="Test User", department="IT")
