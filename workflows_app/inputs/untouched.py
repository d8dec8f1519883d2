"""What a page sends where nobody has touched it: what differs from it was changed, whatever a page can show of it."""

from __future__ import annotations

from django.http import QueryDict

from workflows_app.inputs.controls import Control
from workflows_app.inputs.fields import CHOOSING, TICKED
from workflows_app.inputs.naming import ASKED
from workflows_app.inputs.rendering import Asked


def as_sent(asked: Asked) -> QueryDict:
    data = QueryDict(mutable=True)
    for item in asked.items:
        if item.control is not None and item.seen and item.control.field.mode == "asked":
            data.appendlist(ASKED, item.control.name)
            _send(item.control, data)
    return data


def _send(control: Control, data: QueryDict) -> None:
    name, kind = control.name, control.field.kind
    if kind in TICKED:
        data.setlist(name, ["true"] if control.value else [])
    elif kind in CHOOSING:
        data.setlist(name, control.held)
    elif kind == "file":
        data.setlist(control.kept_name, [each["token"] for each in control.kept])
    elif kind == "key_value":
        data.setlist(name, [row.number for row in control.rows])
        for row in control.rows:
            data[f"{name}.{row.number}.key"], data[f"{name}.{row.number}.value"] = row.key, row.value
    elif kind == "group":
        data.setlist(name, [row.number for row in control.rows])
        for row in control.rows:
            for inner, seen in row.controls:
                if seen and inner.field.mode == "asked":
                    _send(inner, data)
    else:
        data[name] = control.text
