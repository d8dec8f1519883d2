"""What the workspace of these tests holds."""

from bifrost import OrganizationContext, data_provider, param, workflow


@data_provider(name="shops", description="Where to buy")
async def shops(context: OrganizationContext, city: str = ""):
    return [{"label": "Main street", "value": "main"}]


@workflow(category="examples")
@param("for_whom", "email", label="For whom", required=True)
@param("model", "string", label="Model", required=True, validation={"enum": ["light", "fast"]})
@param("city", "string", label="City")
@param("shop", "string", label="Shop", data_provider="shops")
@param("pieces", "int", label="Pieces", default_value=1, validation={"min": 1, "max": 20})
async def order_laptop(context: OrganizationContext, for_whom, model, city=None, shop=None, pieces=1):
    """Orders a laptop."""
    return {"ordered": model}
