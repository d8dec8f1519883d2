"""What a form's doors refuse with.

Refused
├── UnknownForm           404  none, another organization's, or none for this person
├── OutdatedForm          409  somebody saved a newer version
├── SubmissionTaken       409  the submission's id was used: by somebody else, for another form, for other values
├── NotConfirmed          409  checks warn, and the caller has not said that it is meant so
└── TooManySubmissions    429  through a public link
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from workflows_app.errors import Refused

NO_FORM = "There is no such form."


class UnknownForm(Refused):
    status_code = 404
    error = "NotFound"

    def __init__(self) -> None:
        super().__init__(NO_FORM)


class OutdatedForm(Refused):
    """`newest`: the number of the version that somebody saved meanwhile."""

    status_code = 409
    error = "Conflict"

    def __init__(self, newest: int, expected: int) -> None:
        message = f"Somebody has saved version {newest} meanwhile; this change was made to version {expected}."
        super().__init__(message, {"newest": newest, "expected": expected})
        self.newest = newest


class SubmissionTaken(Refused):
    """Details hold the execution's id where it is the caller's own."""

    status_code = 409
    error = "Conflict"


class NotConfirmed(Refused):
    status_code = 409
    error = "Conflict"


class TooManySubmissions(Refused):
    status_code = 429
    error = "TooManyRequests"

    def __init__(self, seconds: float) -> None:
        super().__init__("This form was submitted too often within the last hour. Try again later.")
        self.headers: Mapping[str, str] = MappingProxyType({"Retry-After": str(max(1, ceil(seconds)))})
