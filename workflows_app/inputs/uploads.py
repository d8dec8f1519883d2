"""Which files a field takes, by their names and sizes. What is in them is looked at where they are stored."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

# ".pdf", "image/png" or "image/*".
TYPE = re.compile(r"\.[a-z0-9]{1,10}|[a-z]{1,20}/(?:\*|[a-z0-9.+\-]{1,80})")


def fits(rules: Mapping[str, Any], name: str, size: int) -> str | None:
    """What is wrong with a file of that name and size, or None. What its sender calls its type counts for nothing."""
    most = rules.get("max_bytes")
    if most is not None and size > most:
        return _("must be at most {most}").format(most=filesizeformat(most))
    types = rules.get("types") or ()
    if types and not any(_is(name, each) for each in types):
        return _("must be of the type {types}").format(types=", ".join(types))
    return None


def hint(rules: Mapping[str, Any]) -> str:
    """The same before a file is chosen."""
    parts = []
    if types := rules.get("types"):
        parts.append(", ".join(types))
    if most := rules.get("max_bytes"):
        parts.append(_("at most {most}").format(most=filesizeformat(most)))
    return "; ".join(parts)


def _is(name: str, wanted: str) -> bool:
    if wanted.startswith("."):
        return PurePath(name).suffix.lower() == wanted
    guessed = mimetypes.guess_type(name)[0] or ""
    return guessed == wanted or (wanted.endswith("/*") and guessed.startswith(wanted[:-1]))
