"""What /api/schema says of forms and submissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse, extend_schema

from workflows_app.models import Status
from workflows_app.openapi import (
    ORGANIZATION,
    QUEUED,
    REFUSED_BODIES,
    answer_header,
    answered,
    failed,
    idempotency_key,
    path,
    query,
)
from workflows_app.shapes import (
    BOOLEAN,
    ID,
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

_SUMMARY: Mapping[str, Shape] = {
    "formId": ID,
    "slug": TEXT,
    "name": TEXT,
    "description": TEXT,
    "category": TEXT,
    "linkedWorkflow": TEXT,
    "version": INTEGER,
    "shared": {**BOOLEAN, "description": "Whether it is the MSP's."},
}
SHAPES: Mapping[str, Shape] = {
    "FormSummary": shape(**_SUMMARY),
    "FormPage": page_of("FormSummary", TEXT),
    "Form": shape(
        **_SUMMARY,
        submitLabel=TEXT,
        confirmation={**TEXT, "description": "Markdown, for when it was submitted."},
        schema={**OBJECT, "description": "The JSON Schema of the object that a submission takes."},
        items={**listed(OBJECT), "description": "Fields, sections and texts in order, as the portal shows them."},
    ),
    "Submission": shape(
        submissionId=ID,
        formId=ID,
        slug=TEXT,
        name=TEXT,
        version=INTEGER,
        submittedBy=ref("Person"),
        submittedAt=TIME,
        executionId=nullable(ID),
        status=nullable(one_of(*Status.values)),
    ),
    "SubmissionPage": page_of("Submission", TEXT),
}

_SLUG = path("slug", "The form's address.")
_KEY = idempotency_key("as long as that is kept")
_WARNED: dict[str, Any] = {"checks": [{"level": "warn", "message": "No E3 license is free.", "check": "licenses"}]}
_SUBMITTED: Mapping[int, OpenApiResponse] = {
    **answered("Finished"),
    **QUEUED,
    409: failed("Checks warn, the key was used otherwise, or the run was cancelled.", "Conflict", "It warns.", _WARNED),
    **REFUSED_BODIES,
    429: failed("Too many callers wait.", "TooManyRequests", "Too many runs wait. Try again in 2 s."),
}

list_forms = extend_schema(
    operation_id="listForms",
    summary="Forms that the caller may use",
    description="The organization's own published ones and those that the MSP shares with it, by category and name.",
    parameters=[ORGANIZATION],
    responses=answered("FormPage"),
)
get_form = extend_schema(
    operation_id="getForm",
    summary="A form and what it asks",
    description="schema is for programs; items also say how the portal shows it. What hidden fields hold is not told.",
    parameters=[ORGANIZATION, _SLUG],
    responses=answered("Form"),
)
submit_form = extend_schema(
    operation_id="submitForm",
    summary="Submit a form",
    description="Starts the form's workflow with the values in the body. Answers as a start of the workflow does. What"
    " was chosen has to be among the options of its data provider.",
    parameters=[
        ORGANIZATION,
        _KEY,
        _SLUG,
        query("confirmed", "Warnings of checks were read; it is meant so.", enum=["true", "false"], default="false"),
        answer_header("Location", "Where to ask for the execution.", 202),
        answer_header("Retry-After", "Seconds.", 429),
    ],
    request={"application/json": OpenApiRequest(OBJECT, examples=[OpenApiExample("greeting", {"message": "Hello"})])},
    responses=_SUBMITTED,
)
list_submissions = extend_schema(
    operation_id="listSubmissions",
    summary="Submissions of forms, newest first",
    description="Without the permission canViewExecutions only one's own.",
    parameters=[
        ORGANIZATION,
        query("form", "Only of the form with this id.", format="uuid"),
        query("cursor", "The value of next in the page before."),
        query("limit", "At most so many.", type="integer", minimum=1, maximum=100, default=50),
    ],
    responses=answered("SubmissionPage"),
)
