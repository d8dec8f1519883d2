"""The one file in a multipart request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import UnsupportedMediaType

from workflows_app.parsers import BodyTooLarge, refuse

FIELD = "file"
# In the environ where the web server (`bifrost.bridge`) has dropped a part of the body.
CUT = "bifrost.cut"


def read_upload(request: HttpRequest) -> tuple[str, str | None, bytes]:
    """The name, the declared type and the content of the part "file", which has to be the only one.

    Raises ValidationError, BodyTooLarge and UnsupportedMediaType. Folders before the name are left out, as browsers
    once sent them.
    """
    declared = request.META.get("CONTENT_LENGTH") or ""
    if CUT in request.META or (declared.isdecimal() and int(declared) > settings.FILE_BODY_LIMIT):
        limit = settings.FILE_LIMIT
        raise BodyTooLarge(f"The file is larger than {limit:,} bytes.", {"limit_bytes": limit})
    if request.content_type != "multipart/form-data":
        raise UnsupportedMediaType(request.content_type or "", "Send the file as multipart/form-data.")
    upload = _only_file(request)
    return upload.name or "", upload.content_type, upload.read()


def _only_file(request: HttpRequest) -> UploadedFile[Any]:
    try:
        files, fields = request.FILES, request.POST
    except MultiPartParserError as error:
        refuse("body", f"The body is no multipart/form-data: {error}"[:200])
    if surplus := sorted({*files, *fields} - {FIELD, "csrfmiddlewaretoken"}):
        refuse(FIELD, f'The part "{surplus[0][:100]}" is unknown: send one file as "{FIELD}".')
    uploads = files.getlist(FIELD)
    if len(uploads) != 1:
        refuse(FIELD, f'Send one file as "{FIELD}", with a file name; this request has {len(uploads)}.')
    upload: UploadedFile[Any] = uploads[0]
    return upload
