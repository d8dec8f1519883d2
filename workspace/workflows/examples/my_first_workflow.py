from engine.shared.decorators import workflow, param
from engine.shared.context import OrganizationContext

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
