"""What /api/schema says of data providers."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema

from workflows_app.openapi import ORGANIZATION, answered, path, query
from workflows_app.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    OBJECT,
    TEXT,
    TIME,
    Shape,
    listed,
    nullable,
    one_of,
    page_of,
    ref,
    shape,
)

SHAPES: Mapping[str, Shape] = {
    "DataProvider": shape(
        name=TEXT,
        description=TEXT,
        category=TEXT,
        cacheTtlSeconds={**INTEGER, "description": "How long its options are kept; 0: not at all."},
        inputs={**OBJECT, "description": "JSON Schema of the values of other fields on which its options depend."},
        health={
            **nullable(ref("DataProviderHealth")),
            "description": "Null where it was never asked, and for those who may not see configs.",
        },
    ),
    "DataProviderHealth": shape(
        state=one_of("working", "failing"),
        lastSuccessAt=nullable(TIME),
        lastErrorAt=nullable(TIME),
        lastError={**nullable(TEXT), "description": "For the MSP's staff; null for others."},
        failures={**INTEGER, "description": "In a row."},
        options={**nullable(INTEGER), "description": "How many it gave last."},
        durationMs=nullable(INTEGER),
    ),
    "DataProviderPage": page_of("DataProvider", TEXT),
    "Option": shape(label=TEXT, value=ANYTHING, metadata=OBJECT),
    "Options": shape(
        options=listed(ref("Option")),
        cached={**BOOLEAN, "description": "They were computed for an earlier request."},
    ),
}

list_data_providers = extend_schema(
    operation_id="listDataProviders",
    summary="Data providers",
    description="All that the workspace offers, by name, with what came of each for this organization.",
    parameters=[ORGANIZATION],
    responses=answered("DataProviderPage"),
)
get_options = extend_schema(
    operation_id="getDataProviderOptions",
    summary="The options of a data provider",
    description="Its inputs, the values of other fields, are further arguments of the query. Where the data provider"
    " fails, the answer is 503, never an empty list.",
    parameters=[
        ORGANIZATION,
        path("name", "The data provider's name."),
        query("refresh", "Whether they are computed anew.", enum=["true", "false"], default="false"),
    ],
    responses=answered("Options"),
)
