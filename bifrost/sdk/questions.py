"""A question to a person in the middle of a run, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bifrost.sdk.caller import Caller
from bifrost.sdk.tolerant import JSON, plain

if TYPE_CHECKING:
    from bifrost.sdk.forms import Form  # it imports pydantic, and a workflow's module need not

__all__ = ["Asked", "Decision"]


@dataclass(frozen=True)
class Decision:
    """What a person decided. It is true where that was a yes.

    `values` are the form's, as they were edited; where the answer was no, there are none.
    """

    approved: bool
    decided_by: Caller
    decided_at: datetime
    comment: str
    values: dict[str, JSON]

    def __bool__(self) -> bool:
        return self.approved

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Decision:
        """The decision that a host's answer holds."""
        by = document["decidedBy"]
        return cls(
            approved=document["approved"],
            decided_by=Caller(by["id"], by["email"], by["name"]),
            decided_at=datetime.fromisoformat(document["decidedAt"]),
            comment=document["comment"],
            values=plain(document["values"]),
        )


@dataclass(frozen=True)
class Asked:
    """What is asked, of whom, and for how many seconds (None: without end).

    `permission` is what one must be allowed in order to decide; where `approvers` names people (by e-mail address, in
    lower case) it is "", and these alone decide.
    """

    title: str
    message: str
    form: Form | None
    permission: str
    approvers: tuple[str, ...] | None
    seconds: float | None
