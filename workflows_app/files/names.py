"""What a file may be called: a plain name that looks the same to a person as to a program."""

from __future__ import annotations

import unicodedata

LONGEST = 200
# They join letters and emoji; all other characters that nobody sees are refused.
_JOINERS = frozenset("\u200c\u200d")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def problem_of(name: str) -> str | None:
    """What is wrong with the name, to end a sentence that begins with it."""
    if not 0 < len(name) <= LONGEST:
        return f"must have 1 to {LONGEST} characters"
    if "/" in name or "\\" in name:
        return "must not name a folder"
    if any(each not in _JOINERS and unicodedata.category(each) in _UNSEEN for each in name):
        # Among them those that turn the writing round: an "exe.pdf" that reads so and ends otherwise.
        return "must not hold control characters or such that change the direction of writing"
    if name != name.strip() or name.endswith(".") or not name.strip("."):
        return "must not begin or end with a space, or end with a dot"
    return None


def composed(name: str) -> str:
    """The name in the one form in which it is kept: an accent belongs to its letter."""
    return unicodedata.normalize("NFC", name)


def extension_of(name: str) -> str:
    """What follows the last dot, in lower case; nothing where there is no dot, or nothing before it."""
    before, dot, after = name.rpartition(".")
    return after.casefold() if dot and before else ""
