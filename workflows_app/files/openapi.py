"""What /api/schema says of files and result cards."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse, extend_schema

from bifrost.sdk.cards import TONES
from workflows_app.openapi import EXAMPLE_ID, ORGANIZATION, answer_header, answered, failed, path
from workflows_app.shapes import ANYTHING, ID, INTEGER, OBJECT, TEXT, TEXTS, Shape, listed, nullable, one_of, ref, shape

_FILE = {"fileId": EXAMPLE_ID, "name": "users.csv", "contentType": "text/csv", "size": 2381}

SHAPES: Mapping[str, Shape] = {
    "File": {**shape(fileId=ID, name=TEXT, contentType=TEXT, size=INTEGER), "required": ["fileId"]},
    "CardLink": shape(label=TEXT, url=TEXT),
    "ResultCard": shape(
        key=nullable(TEXT),
        title=TEXT,
        tone=one_of(*TONES),
        text={**TEXT, "description": "Markdown."},
        values={"type": "object", "additionalProperties": ANYTHING},
        table=nullable(listed(OBJECT)),
        columns=TEXTS,
        moreRows={**INTEGER, "description": "How many rows the table lacks."},
        links=listed(ref("CardLink")),
        files=listed(ref("File")),
    ),
}

_refused = answered("File")
_refused.pop(200)
_UPLOAD: Shape = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}},
    "required": ["file"],
    "additionalProperties": False,
}

upload_file = extend_schema(
    operation_id="uploadFile",
    summary="Upload a file",
    description="One file, for a parameter of type file: what this answers is the parameter's value. What kind of file"
    " it is its name says, and its content has to be that. It goes after a day unless a run was given it, else with the"
    " last such run's record.",
    parameters=[ORGANIZATION, answer_header("Location", "Where it can be read.", 201)],
    request={"multipart/form-data": OpenApiRequest(_UPLOAD)},
    responses={
        201: OpenApiResponse(ref("File"), "It is kept.", [OpenApiExample("users.csv", _FILE)]),
        **_refused,
        413: failed("It is too large.", "PayloadTooLarge", "The file is larger than 10,000,000 bytes."),
        415: failed("It is no form data.", "UnsupportedMediaType", "Send the file as multipart/form-data."),
        429: failed("Too many uploads wait for their use.", "TooManyRequests", "100 files are not used yet."),
    },
)
get_file = extend_schema(
    operation_id="getFile",
    summary="A file's content",
    description="For whoever uploaded it, and whoever may read an execution that holds it. Always a download.",
    parameters=[ORGANIZATION, path("file_id", "The file's id.", format="uuid")],
    responses={
        (200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "Its bytes, as the type that it has."),
        **_refused,
    },
)
