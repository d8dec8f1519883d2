"""What a file may be called: no folders, nothing that nobody sees, nothing that reads otherwise than it is."""

from __future__ import annotations

import unicodedata

import pytest

from workflows_app.files.names import composed, extension_of, problem_of


@pytest.mark.parametrize(
    "name",
    [
        "users.csv",
        "Report Q1 (final).pdf",
        "Übersicht für Zoë.docx",
        "レポート.pdf",
        "תקציב.xlsx",
        "👩‍💻 onboarding.pdf",
        ".gitignore",
        "no extension",
        "a'b\"c<d>&e;f.txt",
        "x" * 200,
    ],
)
def test_people_may_call_a_file_what_they_like(name: str) -> None:
    assert problem_of(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "C:\\users.csv",
        "a/b.csv",
        "",
        " ",
        ".",
        "..",
        "...",
        " users.csv",
        "users.csv ",
        "setup.exe.",
        "a\x00.csv",
        "a\n.csv",
        "a\r\nSet-Cookie: x=1.csv",
        "a\x7f.csv",
        "a\x85.csv",
        "a\u2028.csv",
        "a\ud800.csv",
        "x" * 201,
    ],
)
def test_a_name_is_no_path_and_holds_no_control_character(name: str) -> None:
    assert problem_of(name) is not None


@pytest.mark.parametrize(
    "sign", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff\u200b\u00ad"
)
def test_a_name_reads_as_it_is(sign: str) -> None:
    """ "invoice<RLO>fdp.exe" would read invoiceexe.pdf."""
    assert problem_of(f"invoice{sign}fdp.exe") is not None


def test_one_name_is_kept_in_one_form() -> None:
    assert composed(unicodedata.normalize("NFD", "Zoë.pdf")) == "Zoë.pdf"


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("invoice.pdf.exe", "exe"), ("a", ""), (".gitignore", ""), ("a.", "")],
)
def test_the_last_dot_says_the_kind(name: str, extension: str) -> None:
    assert extension_of(name) == extension
