"""The one way in which a file leaves: as a download that no browser opens as a page of ours."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def download(facts: dict[str, Any], content: bytes) -> HttpResponse:
    """Always an attachment, of the type that it is kept as, without a right to anything on the site."""
    response = HttpResponse(content, content_type=facts["contentType"])
    response["Content-Disposition"] = content_disposition_header(True, facts["name"]) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    return response
