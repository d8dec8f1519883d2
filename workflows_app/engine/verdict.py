"""What a replay came to, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bifrost.sdk.documents import plain
from bifrost.sdk.errors import NonDeterminismError, as_document
from bifrost.sdk.replayed import Replayed
from workflows_app.engine.replaying import Recorded, ReplayRun
from workflows_app.engine.runner import Outcome
from workflows_app.engine.stops import Cancelled
from workflows_app.models import TERMINAL, Status

SHOWN = 5
WELL = frozenset({Status.SUCCESS, Status.COMPLETED_WITH_ERRORS})
REDACTED_NOTE = " Some values are in this history only redacted: where the code decides by them, replay the execution."
SECRETS_NOTE = " Secrets are placeholders in a replay."


def verdict(recorded: Recorded, run: ReplayRun, outcome: Outcome | None) -> Replayed:
    """Whether the code went as the journal tells, and where it went then."""
    if (unfit := _unfit(run, outcome)) is not None:
        return _judged(run, False, unfit + (REDACTED_NOTE if recorded.redacted_from is not None else ""))
    if outcome is None:
        return _rested(recorded, run)
    return _ended(recorded, run, outcome)


def out_of_time(recorded: Recorded, seconds: float) -> Replayed:
    known = len(recorded.history.ended) + len(recorded.history.reused)
    message = f"The code neither ended nor came to rest within {seconds:g} seconds of the replay."
    return Replayed(False, message, known, 0)


def _unfit(run: ReplayRun, outcome: Outcome | None) -> str | None:
    """Both sides, where the code asked for something else than the journal has."""
    if isinstance(run.fatal, NonDeterminismError):
        return str(run.fatal)
    unreached = run.operations.unreached()
    if outcome is None or unreached is None:
        return None
    ended = _document(run, outcome)
    how = "returned" if ended is None else f"failed with {ended['error']}: {ended['message']}"
    return f"{unreached} The code {how}.{_note(run) if ended else ''}"


def _rested(recorded: Recorded, run: ReplayRun) -> Replayed:
    """Behind the journal's end, or where the run was stopped."""
    live = tuple(f"the {operation.key}" for operation in run.operations.live)
    if live:
        then = f"; {_recorded_end(recorded)}" if recorded.status in TERMINAL else ""
        return _judged(run, True, f"the code goes on with {_listed(live)}{then}", live=live)
    given_up = _listed([f"the {key}" for key in sorted(recorded.history.cancelled)]) or "nothing"
    if recorded.error is not None:
        return _judged(run, True, f"the code waits for {given_up}, where the run was stopped")
    return _judged(run, False, f"The journal says that {given_up} was given up, and the code waits for it.")


def _ended(recorded: Recorded, run: ReplayRun, outcome: Outcome) -> Replayed:
    document = _document(run, outcome)
    status, error = _status(run, document), document and document["error"]
    now = f"{status} with {error}" if error else str(status)
    told: dict[str, Any] = {"result": plain(outcome.value) if error is None else None, "error": error}
    then = _recorded_end(recorded)
    if (str(status), error) == (recorded.status, _recorded_error(recorded)):
        return _judged(run, True, f"the code ends as recorded: {now}", **told)
    if document is None:
        return _judged(run, True, f"the code ends as {now}; {then}", **told)
    return _judged(run, False, f"The code ends as {now}: {document['message']}; {then}.{_note(run)}", **told)


def _recorded_end(recorded: Recorded) -> str:
    if recorded.status not in TERMINAL:
        return f"the record is {recorded.status}"
    error = _recorded_error(recorded)
    return f"the record ended as {recorded.status}{f' with {error}' if error not in {None, recorded.status} else ''}"


def _recorded_error(recorded: Recorded) -> str | None:
    return None if recorded.status in WELL or recorded.error is None else str(recorded.error["error"])


def _document(run: ReplayRun, outcome: Outcome) -> dict[str, Any] | None:
    """What it failed with, as its record would have it."""
    error = run.fatal or run.verdict or run.stop_reason or outcome.error
    if error is None:
        return None
    document: dict[str, Any] = run.clean(as_document(error))
    if document["error"] == "InternalServerError":
        # The author is to see what it was; the record has it in its journal.
        document = {**document, "message": f"{type(error).__name__}: {run.clean(str(error))}"}
    return document


def _status(run: ReplayRun, document: dict[str, Any] | None) -> Status:
    if document is None:
        return Status.COMPLETED_WITH_ERRORS if run.failed_items else Status.SUCCESS
    if document["error"] == Cancelled.__name__:
        return Status.CANCELLED
    return Status.COMPENSATED if run.undone else Status.FAILED


def _judged(
    run: ReplayRun, compatible: bool, what: str, *, live: tuple[str, ...] = (), result: Any = None, error: Any = None
) -> Replayed:
    asked, known = len(run.known & run.operations.asked_for), len(run.known)
    not_compared = tuple(f"the {key}" for key in run.operations.not_compared)
    message = what
    if compatible:
        message = f"compatible: {asked:,} of {known:,} recorded operations were asked for in their order; {what}."
        if not_compared:
            message += f" The arguments of {_listed(not_compared)} come from values that a replay does not have"
            message += " (redacted, or made of secrets), and cannot be compared."
    return Replayed(compatible, message, known, asked, live, not_compared, result, error)


def _note(run: ReplayRun) -> str:
    return SECRETS_NOTE if run.secrets_asked else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
