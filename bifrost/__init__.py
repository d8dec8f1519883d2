"""Bifrost: workflows written once and run for many organizations.

What authors use is here: `from bifrost import workflow, param, OrganizationContext`.
"""

from __future__ import annotations

from bifrost.sdk import aliases
from bifrost.sdk.caller import Caller
from bifrost.sdk.context import BlockingContext, OrganizationContext
from bifrost.sdk.decorators import data_provider, param, workflow
from bifrost.sdk.errors import (
    CircuitBreakerOpen,
    ConfigurationError,
    DatabaseError,
    EscalatedError,
    ExternalApiError,
    IntegrationError,
    InvalidInput,
    MaxRetriesExceeded,
    NonDeterminismError,
    PermissionError,
    SerializationError,
    TenantValidationFailed,
    TimeoutError,
    TooLarge,
    ValidationError,
    WorkerLost,
    WorkflowException,
)
from bifrost.sdk.integration import BaseIntegration, register_integration
from bifrost.sdk.retry import RetryPolicy

__all__ = [
    "BaseIntegration",
    "BlockingContext",
    "Caller",
    "CircuitBreakerOpen",
    "ConfigurationError",
    "DatabaseError",
    "EscalatedError",
    "ExternalApiError",
    "IntegrationError",
    "InvalidInput",
    "MaxRetriesExceeded",
    "NonDeterminismError",
    "OrganizationContext",
    "PermissionError",
    "RetryPolicy",
    "SerializationError",
    "TenantValidationFailed",
    "TimeoutError",
    "TooLarge",
    "ValidationError",
    "WorkerLost",
    "WorkflowException",
    "data_provider",
    "param",
    "register_integration",
    "workflow",
]

aliases.install()
