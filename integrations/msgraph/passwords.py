"""Initial passwords: long, random, and of all kinds of characters that Microsoft wants."""

from __future__ import annotations

import secrets
import string

LENGTH = 20
#: Without letters and digits that people take for each other when they read a password to somebody.
_KINDS = (
    "".join(set(string.ascii_lowercase) - set("lo")),
    "".join(set(string.ascii_uppercase) - set("IO")),
    "".join(set(string.digits) - set("01")),
    "!#%*+-=?@_",
)


def new_password() -> str:
    """One of each kind at least, at places that cannot be guessed."""
    letters = [secrets.choice(kind) for kind in _KINDS]
    letters += [secrets.choice("".join(_KINDS)) for _ in range(LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def profile_of(password: str, *, change: bool) -> dict[str, object]:
    return {"password": password, "forceChangePasswordNextSignIn": change}
