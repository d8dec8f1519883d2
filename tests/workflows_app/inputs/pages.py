"""What a page sends, and fields that read it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from tests.workflows_app.inputs.test_definition import PARTS
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.reading import read

BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE orgs_organization; --",
    "{{ request.user.password }}{% debug %}${7*7}#{7*7}",
    "../../etc/passwd",
    "=HYPERLINK(1)",
    "\u202egnp.exe",
]


def form(*fields: dict[str, Any]) -> Definition:
    return Definition.read(list(fields))


def one(kind: str, **parts: Any) -> Definition:
    return form({"name": "it", "kind": kind, **PARTS.get(kind, {}), **parts})


def sent(**texts: str | list[str]) -> QueryDict:
    """As a page sends it: `v_it_0_key` is the input "v.it.0.key"."""
    data = QueryDict(mutable=True)
    for name, text in texts.items():
        data.setlist(name.replace("__", "."), text if isinstance(text, list) else [text])
    return data


def typed(definition: Definition, text: str | list[str], zone: ZoneInfo = BERLIN) -> tuple[JSON, list[str]]:
    """What the field "it" is read as, and what is wrong with it, by reading or by the definition."""
    values, problems = read(definition, sent(v__it=text), zone=zone)
    found = [message for _place, message in problems]
    try:
        definition.validate(values)
    except ValidationError as invalid:
        found += [each["message"] for each in invalid.details["errors"] if not found]
    return values["it"], found
