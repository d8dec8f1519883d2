"""Samples of the workflow documents, as written there."""

from __future__ import annotations

IMPORTS = """
from engine.shared.decorators import workflow, param, data_provider
from engine.shared.context import OrganizationContext
from engine.shared.error_handling import (
    ValidationError, IntegrationError, TimeoutError,
    ConfigurationError, PermissionError, WorkflowException
)
"""

FIRST = '''
@workflow(
    name="my_first_workflow",
    description="A simple example workflow",
    category="examples"
)
@param("message", "string", "Message to process", required=True)
async def my_first_workflow(context: OrganizationContext, message: str):
    """
    Process a simple message and return a response.
    """
    context.log("info", f"Processing message: {message}")

    result = {
        "original": message,
        "processed": message.upper(),
        "length": len(message),
        "timestamp": context.execution_id
    }

    context.save_checkpoint("processing_complete", result)
    return result
'''

ANATOMY = '''
@workflow(
    name="workflow_name",           # Unique identifier
    description="Human readable description",
    category="user_management",     # UI category
    execution_mode="sync",          # sync, async, scheduled
    timeout_seconds=300,           # Max execution time
    schedule="0 9 * * *",          # Cron schedule (if scheduled)
    expose_in_forms=True,          # Can be called from forms
    requires_org=True,             # Requires organization context
    tags=["m365", "automation"]    # Optional tags
)
@param("param1", "string", "Parameter description", required=True)
@param("param2", "int", "Number parameter", default_value=42)
@param("param3", "bool", "Boolean parameter", default_value=False)
async def workflow_name(
    context: OrganizationContext,  # Always first parameter
    param1: str,                   # Match parameter names
    param2: int = 42,
    param3: bool = False
) -> dict:                        # Return type hint
    """
    Detailed description of what this workflow does.
    """
    try:
        result = process_data(param1, param2, param3)
        return {"success": True, "result": result}

    except Exception as e:
        context.log("error", f"Workflow failed: {str(e)}")
        raise WorkflowException(f"Processing failed: {str(e)}")
'''

TYPES = """
@workflow(name="types")
@param("name", "string", "Full name", required=True,
       validation={"min_length": 1, "max_length": 100})
@param("age", "int", "User age",
       validation={"min": 18, "max": 120})
@param("is_active", "bool", "Account status", default_value=True)
@param("email", "email", "Email address", required=True)
@param("metadata", "json", "Additional metadata",
       default_value={})
@param("tags", "list", "List of tags",
       default_value=[])
@param("price", "float", "Item price",
       validation={"min": 0.0})
async def types(context, name, age, is_active, email, metadata, tags, price):
    return name
"""

RULES = """
@workflow(name="rules")
@param("username", "string", "Username", required=True,
       validation={
           "min_length": 3,
           "max_length": 50,
           "pattern": r"^[a-zA-Z0-9_]+$"  # Alphanumeric and underscore
       })
@param("quantity", "int", "Order quantity", required=True,
       validation={
           "min": 1,
           "max": 1000
       })
@param("percentage", "float", "Percentage",
       validation={
           "min": 0.0,
           "max": 100.0
       })
@param("status", "string", "Order status", required=True,
       validation={
           "enum": ["pending", "processing", "completed", "cancelled"]
       })
async def rules(context, username, quantity, percentage, status):
    return username
"""

CUSTOM = """
@workflow(name="complex_validation")
@param("email", "email", "Email address", required=True)
@param("domain", "string", "Email domain", required=True)
async def complex_validation(context, email, domain):
    # Custom validation logic
    if not email.endswith(f"@{domain}"):
        raise ValidationError(
            "Email domain does not match specified domain",
            field="email",
            details={"email": email, "expected_domain": domain}
        )

    # Continue processing
    return {"validated": True}
"""

PROVIDERS = """
@workflow(name="providers")
@param("department", "string", "Department", required=True,
       data_provider="get_departments")
@param("license_type", "string", "License type",
       data_provider="get_available_licenses")
@param("manager", "string", "Manager",
       data_provider="get_managers")
async def providers(context, department, license_type, manager):
    return department
"""

ERRORS = """
async def error_handling_example(context: OrganizationContext, email: str):
    # Input validation
    if not email or "@" not in email:
        raise ValidationError(
            "Invalid email address format",
            field="email",
            details={"provided_value": email}
        )

    # Configuration validation
    if not context.has_config("api_endpoint"):
        raise ConfigurationError(
            "API endpoint not configured",
            config_key="api_endpoint"
        )

    # Permission check
    if not context.caller.email.endswith("@admin.com"):
        raise PermissionError(
            "Administrator access required",
            required_role="admin",
            current_user=context.caller.email
        )

    # Integration error handling
    try:
        graph = context.get_integration("msgraph")
        user = await graph.get_user(email)
    except Exception as e:
        raise IntegrationError(
            integration="msgraph",
            message=f"Failed to retrieve user: {str(e)}",
            status_code=getattr(e, 'status_code', None),
            details={"email": email}
        )

    return {"user": user}
"""

TIMEOUT = """
async def long_running_operation():
    import asyncio
    await asyncio.Event().wait()

async def timeout_example(context: OrganizationContext):
    import asyncio

    try:
        # Operation with timeout
        result = await asyncio.wait_for(
            long_running_operation(),
            timeout=0.01
        )
        return result

    except asyncio.TimeoutError:
        raise TimeoutError(
            "Operation timed out after 30 seconds",
            timeout_seconds=30,
            operation="long_running_operation"
        )
"""

CUSTOM_ERROR = '''
from engine.shared.error_handling import WorkflowException

class BusinessLogicError(WorkflowException):
    """Custom exception for business logic errors"""

    def __init__(self, message: str, business_rule: str, details: dict = None):
        super().__init__(
            message=message,
            error_type="BusinessLogicError",
            details=details or {}
        )
        self.business_rule = business_rule

async def custom_error_example(context: OrganizationContext, user_type: str):
    if user_type == "premium":
        # Check premium user limits
        premium_count = context.get_variable("premium_users", 0)
        if premium_count >= 100:
            raise BusinessLogicError(
                "Premium user limit exceeded",
                business_rule="MAX_PREMIUM_USERS",
                details={"current": premium_count, "limit": 100}
            )

    return {"user_type": user_type}
'''

DEPARTMENTS = '''
@data_provider(
    name="get_departments",
    description="Get list of departments for the organization",
    category="organization",
    cache_ttl_seconds=300  # Cache for 5 minutes
)
async def get_departments(context: OrganizationContext):
    """Return department options for form dropdown."""

    # Get from organization configuration
    departments_config = context.get_config("departments", "")

    if departments_config:
        departments = [dept.strip() for dept in departments_config.split(",")]
    else:
        # Default departments
        departments = ["IT", "HR", "Finance", "Sales", "Marketing"]

    return [
        {"label": dept, "value": dept.lower().replace(" ", "_")}
        for dept in departments
    ]
'''
