"""Kinds of files: by their names, and what each has to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OTHER = "application/octet-stream"
_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class Kind:
    """`signs`: what its content may be recognized as (`sniffing`); `aliases`: what senders call it as well."""

    content_type: str
    signs: frozenset[str]
    aliases: frozenset[str] = frozenset()


def _kind(content_type: str, signs: str, *aliases: str) -> Kind:
    return Kind(content_type, frozenset(signs.split()), frozenset(aliases))


_ZIP = ("application/zip", "application/x-zip-compressed")
_CSV = _kind("text/csv", "text", "text/plain", "application/vnd.ms-excel", "application/csv")
_JPEG = _kind("image/jpeg", "jpeg", "image/pjpeg", "image/jpg")
_TEXT = _kind("text/plain", "text", "text/x-log")
_TIFF = _kind("image/tiff", "tiff")
_YAML = _kind("application/yaml", "text", "text/yaml", "application/x-yaml", "text/x-yaml", "text/plain")
_CERTIFICATE = _kind("application/x-x509-ca-cert", "text binary", "application/x-pem-file", "application/pkix-cert")

#: By what follows the last dot of the name.
KINDS: Mapping[str, Kind] = {
    "pdf": _kind("application/pdf", "pdf", "application/x-pdf"),
    "png": _kind("image/png", "png"),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "gif": _kind("image/gif", "gif"),
    "webp": _kind("image/webp", "webp"),
    "bmp": _kind("image/bmp", "bmp", "image/x-ms-bmp"),
    "tif": _TIFF,
    "tiff": _TIFF,
    "ico": _kind("image/x-icon", "ico", "image/vnd.microsoft.icon"),
    "heic": _kind("image/heic", "mp4", "image/heif"),
    "txt": _TEXT,
    "log": _TEXT,
    "md": _kind("text/markdown", "text", "text/plain", "text/x-markdown"),
    "csv": _CSV,
    "tsv": _kind("text/tab-separated-values", "text", "text/plain"),
    "json": _kind("application/json", "text", "text/json", "text/plain"),
    "yaml": _YAML,
    "yml": _YAML,
    "xml": _kind("application/xml", "text xml", "text/xml"),
    "ics": _kind("text/calendar", "text", "text/plain"),
    "vcf": _kind("text/vcard", "text", "text/x-vcard", "text/plain"),
    "eml": _kind("message/rfc822", "text", "text/plain"),
    "msg": _kind("application/vnd.ms-outlook", "ole"),
    "rtf": _kind("application/rtf", "rtf", "text/rtf"),
    "doc": _kind("application/msword", "ole rtf"),
    "xls": _kind("application/vnd.ms-excel", "ole"),
    "ppt": _kind("application/vnd.ms-powerpoint", "ole"),
    "docx": _kind(f"{_OFFICE}.wordprocessingml.document", "docx", *_ZIP),
    "xlsx": _kind(f"{_OFFICE}.spreadsheetml.sheet", "xlsx", *_ZIP),
    "pptx": _kind(f"{_OFFICE}.presentationml.presentation", "pptx", *_ZIP),
    "odt": _kind("application/vnd.oasis.opendocument.text", "zip", *_ZIP),
    "ods": _kind("application/vnd.oasis.opendocument.spreadsheet", "zip", *_ZIP),
    "odp": _kind("application/vnd.oasis.opendocument.presentation", "zip", *_ZIP),
    "zip": _kind("application/zip", "zip docx xlsx pptx", "application/x-zip-compressed", "application/x-zip"),
    "gz": _kind("application/gzip", "gzip", "application/x-gzip"),
    "7z": _kind("application/x-7z-compressed", "7z"),
    "mp3": _kind("audio/mpeg", "mp3", "audio/mp3"),
    "wav": _kind("audio/wav", "wav", "audio/x-wav"),
    "mp4": _kind("video/mp4", "mp4"),
    "pem": _CERTIFICATE,
    "crt": _CERTIFICATE,
    "cer": _CERTIFICATE,
}

#: What a click would run or open as a page, and documents with macros.
FORBIDDEN_EXTENSIONS = frozenset(
    "ade adp apk app appx bat chm cmd com cpl dll dmg docm dotm exe gadget hta htm html htc img inf ins iso isp jar js"
    " jse lnk mde mht mhtml msc msi msix msp mst pif potm ppam ppsm pptm ps1 ps1xml ps2 psc1 psm1 py reg rpm scf scr"
    " sct sh shb shs shtml svg svgz swf sys url vb vbe vbs vhd vhdx vxd wasm webloc ws wsc wsf wsh xbap xhtml xht xlam"
    " xll xlsm xltm xsl xslt".split()
)
#: The same as senders call it.
FORBIDDEN_TYPES = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/javascript",
        "application/javascript",
        "application/ecmascript",
        "application/x-javascript",
        "application/x-msdownload",
        "application/x-msdos-program",
        "application/x-executable",
        "application/x-sh",
        "application/x-shockwave-flash",
        "application/hta",
        "application/java-archive",
        "text/xsl",
        "application/xslt+xml",
        "multipart/related",
        "message/rfc2557",
    }
)
#: What content of these kinds is, whatever it is called.
FORBIDDEN_SIGNS: Mapping[str, str] = {
    "program": "a program",
    "markup": "a web page or a drawing with code",
    "macros": "a document with macros",
    "shortcut": "a shortcut",
}
BY_TYPE: Mapping[str, Kind] = {kind.content_type: kind for kind in KINDS.values()}
