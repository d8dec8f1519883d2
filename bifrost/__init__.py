"""Bifrost: workflows written once and run for many organizations.

What authors use is here: `from bifrost import workflow, param, OrganizationContext`.
"""

from __future__ import annotations

from bifrost.sdk import aliases
from bifrost.sdk.approvals import Decision
from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.caller import Caller
from bifrost.sdk.checking import CheckContext, check
from bifrost.sdk.children import Handle
from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.decorators import data_provider, param, workflow
from bifrost.sdk.errors import (
    CircuitBreakerOpen,
    ConfigurationError,
    ContinueAsNew,
    DatabaseError,
    EscalatedError,
    ExternalApiError,
    IntegrationError,
    InvalidInput,
    MaxRetriesExceeded,
    NonDeterminismError,
    PermissionError,
    RateLimited,
    SerializationError,
    StepFailed,
    TenantValidationFailed,
    TimeoutError,
    TooLarge,
    ValidationError,
    WorkerLost,
    WorkflowException,
)
from bifrost.sdk.files import File
from bifrost.sdk.integration import BaseIntegration, register_integration
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import StepInfo, StepOptions, activity, heartbeat, last_heartbeat, step, step_info

__all__ = [
    "BaseIntegration",
    "BlockingContext",
    "Caller",
    "CheckContext",
    "CircuitBreakerOpen",
    "ConfigurationError",
    "ContinueAsNew",
    "DatabaseError",
    "Decision",
    "EscalatedError",
    "ExternalApiError",
    "File",
    "Handle",
    "IntegrationError",
    "InvalidInput",
    "MaxRetriesExceeded",
    "NonDeterminismError",
    "OAuthCredentials",
    "OrganizationContext",
    "PermissionError",
    "RateLimited",
    "RetryPolicy",
    "SerializationError",
    "StepFailed",
    "StepInfo",
    "StepOptions",
    "TenantValidationFailed",
    "TimeoutError",
    "TooLarge",
    "ValidationError",
    "WorkerLost",
    "WorkflowException",
    "activity",
    "check",
    "data_provider",
    "heartbeat",
    "last_heartbeat",
    "param",
    "register_integration",
    "step",
    "step_info",
    "workflow",
]

aliases.install()
