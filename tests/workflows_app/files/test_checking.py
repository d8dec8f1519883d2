"""Which files are kept: the content has to be what name and sender say, and of no kind that is forbidden."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bifrost.sdk.errors import ValidationError
from workflows_app.errors import PlatformUnavailable
from workflows_app.files.checking import Checked, check
from workflows_app.files.kinds import FORBIDDEN_EXTENSIONS, KINDS, OTHER
from workflows_app.files.sniffing import sign_of

from . import contents as c

OFFICE = "application/vnd.openxmlformats-officedocument"


def refused(name: str, content: bytes, content_type: str | None = None) -> str:
    with pytest.raises(ValidationError) as error:
        check(name, content_type, content)
    assert error.value.details["errors"] == [{"field": "file", "message": error.value.message}]
    return error.value.message


@pytest.mark.parametrize(
    ("name", "content", "declared", "kept_as"),
    [
        ("a.pdf", c.PDF, "application/pdf", "application/pdf"),
        ("a.PDF", c.PDF, None, "application/pdf"),
        ("a.pdf", c.PDF, "application/octet-stream", "application/pdf"),
        ("a.png", c.PNG, "image/png", "image/png"),
        ("a.jpg", c.JPEG, "image/pjpeg", "image/jpeg"),
        ("a.jpeg", c.JPEG, "image/jpeg", "image/jpeg"),
        ("a.gif", c.GIF, "", "image/gif"),
        ("a.webp", c.WEBP, "image/webp", "image/webp"),
        ("a.bmp", c.BMP, "image/bmp", "image/bmp"),
        ("a.mp4", c.MP4, "video/mp4", "video/mp4"),
        ("a.docx", c.DOCX, f"{OFFICE}.wordprocessingml.document", f"{OFFICE}.wordprocessingml.document"),
        ("a.xlsx", c.XLSX, "application/zip", f"{OFFICE}.spreadsheetml.sheet"),
        ("a.pptx", c.PPTX, None, f"{OFFICE}.presentationml.presentation"),
        ("a.doc", c.OLE, "application/msword", "application/msword"),
        ("a.zip", c.ZIP, "application/x-zip-compressed", "application/zip"),
        ("a.zip", c.DOCX, "application/zip", "application/zip"),
        ("a.csv", c.CSV, "text/csv; charset=utf-8", "text/csv"),
        ("a.csv", c.CSV, "application/vnd.ms-excel", "text/csv"),
        ("a.csv", "Zoë;1".encode("latin-1"), "TEXT/CSV", "text/csv"),
        ("a.csv", "\ufeffZoë\t1".encode("utf-16-le"), None, "text/csv"),
        ("a.txt", b"", "text/plain", "text/plain"),
        ("a.txt", b"1 < 2 and <tag> is no page", None, "text/plain"),
        ("a.txt", b"MZ is what a text may begin with", None, "text/plain"),
        ("a.log", b"\x1b[31mred\x1b[0m\n", None, "text/plain"),
        ("a.json", b'{"a": "<script>"}', "application/json", "application/json"),
        ("a.xml", b'<?xml version="1.0"?><users/>', "text/xml", "application/xml"),
        ("a.eml", b"From: a@b.c\n\n<html>", None, "message/rfc822"),
        ("a.pem", b"-----BEGIN CERTIFICATE-----\n", None, "application/x-x509-ca-cert"),
        ("data.bin", b"\x00\x01\x02", "application/octet-stream", OTHER),
        ("data.unknown", c.PDF, None, OTHER),
        ("no extension", b"text", "text/plain", "text/plain"),
        ("no extension", b"\x00", "application/x-unheard-of", OTHER),
    ],
)
def test_a_file_is_kept_as_what_it_is(name: str, content: bytes, declared: str | None, kept_as: str) -> None:
    assert check(name, declared, content) == Checked(name, kept_as, False)


@pytest.mark.parametrize("sent_as", ["pdf", "png", "jpg", "docx", "zip", "txt", "csv", "unknown", "bin", "json"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (c.EXE, "a program"),
        (c.ELF, "a program"),
        (c.MACH, "a program"),
        (c.SHELL, "a program"),
        (c.JAR, "a program"),
        (c.SHORTCUT, "a shortcut"),
        (c.HTML, "a web page"),
        (c.SVG, "a web page or a drawing with code"),
        (c.DOCX_WITH_MACROS, "a document with macros"),
        (c.OLE_WITH_MACROS, "a document with macros"),
    ],
    ids=["exe", "elf", "mach", "shell", "jar", "shortcut", "html", "svg", "docx macros", "doc macros"],
)
def test_what_would_run_is_refused_whatever_it_is_called(sent_as: str, content: bytes, what: str) -> None:
    assert what in refused(f"invoice.{sent_as}", content)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body onload=alert(1)>",
        b"  \n\t<HTML>",
        b"\xef\xbb\xbf<html>",
        "\ufeff<script>alert(1)</script>".encode("utf-16-le"),
        "\ufeff<script>alert(1)</script>".encode("utf-16-be"),
        b"<!-- a --><!-- b -->\n<script>alert(1)</script>",
        b"<!-- never closed",
        b'<?xml version="1.0"?><!DOCTYPE svg><svg/>',
        b'<?xml version="1.0"?><x:svg xmlns:x="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><users><h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script></users>',
        b"<img src=x onerror=alert(1)>",
        b"<iframe src=//evil.example>",
        b"<a href=javascript:alert(1)>x</a>",
        b"<anything><SCRIPT>alert(1)</SCRIPT></anything>",
    ],
)
def test_a_page_is_found_however_it_begins(content: bytes) -> None:
    if content == b"<!-- never closed":
        assert sign_of(content) == "text"
    else:
        assert sign_of(content) == "markup"
        refused("notes.txt", content)
        refused("users.xml", content)


def test_deep_comments_take_no_time() -> None:
    began = time.process_time()
    sign_of(b"<!--a-->" * 500_000 + b"x")
    sign_of(b"<!--" * 1_000_000)
    sign_of(b"<" * 5_000_000)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("extension", sorted(FORBIDDEN_EXTENSIONS))
def test_a_name_that_a_click_would_run_is_refused_whatever_it_holds(extension: str) -> None:
    assert "not taken here" in refused(f"a.{extension}", b"text")
    assert "not taken here" in refused(f"invoice.pdf.{extension.upper()}", c.PDF)


@pytest.mark.parametrize(
    "declared", ["text/html", "image/svg+xml", "Application/JavaScript", "application/x-msdownload"]
)
def test_what_its_sender_calls_a_page_or_a_program_is_refused(declared: str) -> None:
    assert "not taken here" in refused("a.txt", b"harmless", declared)
    assert "not taken here" in refused("unknown", b"harmless", f"{declared}; charset=utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", c.ZIP),
        ("a.pdf", b"text"),
        ("a.pdf", b""),
        ("a.png", c.JPEG),
        ("a.jpg", c.PNG),
        ("a.docx", c.XLSX),
        ("a.docx", c.ZIP),
        ("a.docx", b"PK\x03\x04 and no archive"),
        ("a.xlsx", b"a;b"),
        ("a.doc", c.DOCX),
        ("a.zip", c.PDF),
        ("a.csv", c.PNG),
        ("a.txt", b"\x00\x01"),
        ("a.json", c.GIF),
        ("a.xml", c.PDF),
        ("a.mp4", c.PNG),
    ],
)
def test_a_name_that_says_something_else_than_the_content_is_refused(name: str, content: bytes) -> None:
    assert "does not hold what its name or type says" in refused(name, content)


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [("a.pdf", c.PDF, "image/png"), ("a.png", c.PNG, "application/pdf"), ("a.csv", c.CSV, "application/pdf")],
)
def test_a_sender_who_says_something_else_than_the_name_is_refused(name: str, content: bytes, declared: str) -> None:
    assert f"was sent as {declared}" in refused(name, content, declared)


def test_without_an_extension_the_type_that_was_sent_has_to_fit() -> None:
    assert check("scan", "application/pdf", c.PDF).content_type == "application/pdf"
    assert "does not hold" in refused("scan", c.PNG, "application/pdf")


@pytest.mark.parametrize("name", ["../a.csv", "a\u202egpj.csv", "a\x00.csv", "", "x" * 201])
def test_a_bad_name_is_refused(name: str) -> None:
    assert "The name of a file" in refused(name, b"text")


def test_a_file_that_is_too_large_is_refused(settings: Any) -> None:
    settings.FILE_LIMIT = 1000
    assert check("a.txt", None, b"x" * 1000).name == "a.txt"
    assert refused("a.txt", b"x" * 1001) == '"a.txt" has 1,001 bytes; the limit is 1,000.'


def test_every_kind_names_a_type_that_no_browser_runs() -> None:
    assert not {"html", "svg", "js", "xhtml"} & KINDS.keys()
    assert not FORBIDDEN_EXTENSIONS & KINDS.keys()


# --- the virus scan ---------------------------------------------------------------------------------------------------


def finds_eicar(name: str, content: bytes) -> str | None:
    return "EICAR" if b"EICAR" in content else None


def is_away(name: str, content: bytes) -> str | None:
    raise ConnectionRefusedError(name)


def test_what_the_scan_finds_is_refused_without_saying_what(settings: Any) -> None:
    settings.FILE_SCAN = f"{__name__}.finds_eicar"
    assert check("a.txt", None, b"clean") == Checked("a.txt", "text/plain", True)
    assert refused("a.txt", b"X5O EICAR") == '"a.txt" was refused by the virus scan.'


def test_a_scan_that_fails_lets_nothing_pass(settings: Any) -> None:
    for path in (f"{__name__}.is_away", "no.such.module.scan"):
        settings.FILE_SCAN = path
        with pytest.raises(PlatformUnavailable, match="could not be scanned"):
            check("a.txt", None, b"clean")
