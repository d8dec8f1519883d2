"""What a file's content is, by its first bytes, whatever anybody calls it."""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

LOOKED_AT = 4_096
# In this order: the first that fits.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"{\\rtf", "rtf"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"ID3\x02", "mp3"),
    (b"ID3\x03", "mp3"),
    (b"ID3\x04", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x7fELF", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xfe\xed\xfa\xce", "program"),
    (b"\xfe\xed\xfa\xcf", "program"),
    (b"\xce\xfa\xed\xfe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\x00asm", "program"),
    (b"dex\n03", "program"),
    (b"#!", "program"),
    (b"MSCF\x00\x00\x00\x00", "program"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "shortcut"),
    (b"[InternetShortcut]", "shortcut"),
)
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_BYTE_ORDER = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
# What a browser takes for a page when it is left to guess.
_PAGE = re.compile(
    r"<(?:!doctype\s+(?:html|svg)|(?:\w{1,40}:)?(?:html|head|body|script|svg|iframe|frameset|object|embed|applet|meta|"
    r"link|style|img|form|base|title|table|div|font|a|b|br|p|h1)\b)",
    re.IGNORECASE,
)
_CODE = re.compile(r"<(?:\w{1,40}:)?(?:script|svg|html)\b|http://www\.w3\.org/(?:1999/xhtml|2000/svg)", re.IGNORECASE)
# What may stand before the first tag.
_BEFORE = (("<!--", "-->"), ("<?", "?>"))


def sign_of(content: bytes) -> str:
    """One word for what it is: pdf, png, zip, docx, text, xml, markup, program, macros, ... or binary."""
    for magic, sign in _MAGIC:
        if content.startswith(magic):
            return _compound(content) if sign == "ole" else sign
    if content.startswith(_ARCHIVES):
        return _archive(content)
    return _by_parts(content) or _text(content)


def _by_parts(content: bytes) -> str | None:
    """Those whose sign is not one run of bytes at the beginning."""
    if content[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(content[8:12], "binary")
    if content[4:8] == b"ftyp":
        return "mp4"
    if content[:2] == b"BM" and content[6:10] == b"\x00\x00\x00\x00" and len(content) > 26:
        return "bmp"
    if content[:2] == b"MZ" or content[:3] in (b"CWS", b"FWS"):
        # A text may begin so, too; a program's header is none.
        return "program" if _decoded(content) is None else None
    return None


def _compound(content: bytes) -> str:
    """The documents of older offices. Their parts are named in UTF-16."""
    parts = ("_VBA_PROJECT", "Macros", "VBA")
    return "macros" if any(f"{part}\0".encode("utf-16-le") in content for part in parts) else "ole"


def _archive(content: bytes) -> str:
    """An office document is an archive with parts of its own; those of one are never unpacked here."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
    except (BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        return "zip"
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        return "program"
    if "[Content_Types].xml" not in names:
        return "zip"
    if any(name.casefold().endswith("vbaproject.bin") for name in names):
        return "macros"
    return next((sign for folder, sign in _OFFICE.items() if any(name.startswith(folder) for name in names)), "zip")


def _text(content: bytes) -> str:
    text = _decoded(content)
    if text is None:
        return "binary"
    text = text.lstrip("\ufeff").lstrip()
    if not text.startswith("<"):
        return "text"
    if _PAGE.match(_first_tag(text[:LOOKED_AT])) or _CODE.search(text):
        return "markup"
    return "xml" if text.startswith("<?xml") else "text"


def _first_tag(text: str) -> str:
    """The text from its first tag on, behind comments and declarations."""
    while (around := next((pair for pair in _BEFORE if text.startswith(pair[0])), None)) is not None:
        _, closed, text = text.partition(around[1])
        if not closed:
            return ""
        text = text.lstrip()
    return text


def _decoded(content: bytes) -> str | None:
    """The text that it is; None where it is none. Of what is neither Unicode, each byte is a character."""
    encoding = next((name for mark, name in _BYTE_ORDER.items() if content.startswith(mark)), None)
    for tried in (encoding,) if encoding else ("utf-8", "latin-1"):
        try:
            text = content.decode(tried)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None
