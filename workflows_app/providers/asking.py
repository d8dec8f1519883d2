"""The one door to options: from this process's cache, or computed once for all who ask meanwhile."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from traceback import TracebackException
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.utils import Error as DatabaseError
from django.utils import timezone

from bifrost.sdk.documents import encode
from bifrost.sdk.errors import WorkflowException
from bifrost.sdk.tolerant import JSON
from orgs.records import OrganizationRecord
from workflows_app.errors import ProviderFailed
from workflows_app.providers import health, running
from workflows_app.providers.cache import cache
from workflows_app.providers.flights import Answer, Failure, Flight, Flights
from workflows_app.providers.host import ProviderHost
from workflows_app.providers.options import Options, WrongShape, read_options
from workflows_app.providers.questions import Question, question
from workflows_app.providers.running import Runner, TooSlow, WornOut
from workflows_app.providers.waiting import Busy, waiting

log = structlog.get_logger(__name__)

GRACE_SECONDS = 1.0  # in which one that is out of time may still leave
FAILED = "the data provider failed."
INTERRUPTED = "it was interrupted. Try again."
NO_INPUTS: Mapping[str, JSON] = {}


@dataclass(frozen=True, slots=True)
class Pending:
    """Options that are there, or on their way."""

    question: Question
    ready: Options | None = None
    flight: Flight | None = None

    def result(self) -> Options:
        """Waits for them. Raises ProviderFailed."""
        if self.ready is not None:
            return self.ready
        assert self.flight is not None
        answer = _waited(self.flight)
        if isinstance(answer, Failure):
            raise ProviderFailed(answer.message, self.question.provider, answer.reason)
        return answer


def options_of(
    organization: OrganizationRecord, name: str, inputs: Mapping[str, JSON] = NO_INPUTS, *, refresh: bool = False
) -> Options:
    """The options that the provider has for the organization, where other fields have these values.

    `refresh`: computed from now on, whatever is kept. Raises UnknownDataProvider, ValidationError for inputs that are
    missing, surplus or wrong, and ProviderFailed. Blocks for as long as a provider may take; not on a loop.
    """
    return begin(organization, name, inputs, refresh=refresh).result()


def begin(
    organization: OrganizationRecord, name: str, inputs: Mapping[str, JSON] = NO_INPUTS, *, refresh: bool = False
) -> Pending:
    """The same for who asks several and waits for them together. Raises as `options_of`, but for ProviderFailed."""
    asked = question(organization, name, inputs)
    kept = None if refresh else cache.get(asked)
    if kept is not None:
        return Pending(asked, kept)
    return Pending(asked, flight=_flights.join(asked, fresh=refresh))


def forget(organization: UUID | None = None) -> None:
    """What this process keeps: of the organization, or everything."""
    cache.forget(organization)


def stop() -> None:
    """Forgets everything, and gives back what computing takes; the next question starts afresh."""
    cache.forget()
    running.stop()
    _let_go(set(_held_by.values()))


def failed(name: str, words: str, reason: str = "") -> Failure:
    return Failure(f'The options of "{name}" cannot be loaded: {words}', reason or words)


def _waited(flight: Flight) -> Answer:
    """Its answer. One that stands behind another waits for that one as well."""
    seconds = float(settings.PROVIDERS["seconds"]) + GRACE_SECONDS
    try:
        with waiting(flight.question.organization.id):
            return flight.answer.result(seconds if flight.began is not None else 2 * seconds)
    except Busy:
        return failed(flight.question.provider, "too many people wait for options. Try again in a moment.")
    except TimeoutError:
        return _given_up(flight)


def _given_up(flight: Flight) -> Answer:
    """It neither answers nor leaves. Whoever waits is told, and the next to ask begins afresh."""
    answer = _out_of_time(flight.question)
    if not _flights.land(flight, answer):
        return flight.answer.result()
    held = _held_by.pop(flight, None)
    if held is not None and running.give_up_if_blocked(held):
        _let_go({held})
    _note_failure(flight.question, answer, [])
    return answer


def _let_go(gone: Set[Runner]) -> None:
    """What these would have computed: nobody will, and the next to ask must not wait for it."""
    for flight, runner in list(_held_by.items()):
        if runner in gone and _held_by.pop(flight, None) is not None:
            _flights.land(flight, failed(flight.question.provider, INTERRUPTED))


def _begin(flight: Flight) -> None:
    try:
        runner = running.runner()
    except WornOut:
        _flights.land(flight, _worn_out(flight.question))
        return
    _held_by[flight] = runner
    try:
        runner.start(flight.question, lambda host, given, error: _done(flight, host, given, error))
    except RuntimeError:  # it was given up since
        _let_go({runner})


def _done(flight: Flight, host: ProviderHost, given: Any, error: Exception | None) -> None:
    """In a thread of the database: from what the function gave to the answer, the cache and the provider's health."""
    _held_by.pop(flight, None)
    asked, began = flight.question, flight.began or 0.0
    answer, bytes_ = _answer(asked, host, given, error)
    if isinstance(answer, Options):
        cache.put(asked, answer, bytes_, began)
    if not _flights.land(flight, answer):
        return
    if isinstance(answer, Options):
        seconds = time.monotonic() - began
        _noting(health.note_success, asked.organization, asked.provider, len(answer.options), seconds, host.lines)
    else:
        _note_failure(asked, answer, host.lines)


def _answer(asked: Question, host: ProviderHost, given: Any, error: Exception | None) -> tuple[Answer, int]:
    if error is not None:
        return _failure_of(asked, host, error), 0
    try:
        options, bytes_ = read_options(given, host.engine.limits.max_result_bytes)
    except WrongShape as wrong:
        return failed(asked.provider, FAILED, f"The data provider {wrong}."), 0
    return (Options(options, False, timezone.now()) if options else _empty(asked, host)), bytes_


def _empty(asked: Question, host: ProviderHost) -> Answer:
    """No options is an answer, unless the provider has logged an error: it caught what it could not cope with."""
    logged = host.logged_error
    if logged is None:
        return Options((), False, timezone.now())
    details = "" if logged["data"] is None else f" {encode(logged['data'])}"
    return failed(asked.provider, FAILED, f"It logged: {logged['message']}{details}")


def _failure_of(asked: Question, host: ProviderHost, error: Exception) -> Failure:
    if isinstance(error, TooSlow):
        return _out_of_time(asked)
    if isinstance(error, WornOut):
        return _worn_out(asked)
    kind = error.error_type if isinstance(error, WorkflowException) else type(error).__name__
    # Whatever its own methods do.
    words = TracebackException.from_exception(error).format_exception_only()
    said = "".join(words).strip().partition(": ")[2]
    return failed(asked.provider, FAILED, str(host.clean(f"{kind}: {said}" if said else kind)))


def _out_of_time(asked: Question) -> Failure:
    seconds = settings.PROVIDERS["seconds"]
    return failed(asked.provider, "it did not answer in time.", f"It did not end within {seconds:g} seconds.")


def _worn_out(asked: Question) -> Failure:
    return failed(asked.provider, "too many data providers never ended. Try again later.")


def _note_failure(asked: Question, failure: Failure, lines: list[dict[str, JSON]]) -> None:
    log.warning("a data provider failed", provider=asked.provider, org_id=asked.organization.org_id)
    _noting(health.note_failure, asked.organization, asked.provider, failure.reason, lines)


def _noting(note: Any, organization: OrganizationRecord, *facts: Any) -> None:
    """Options that are there are given, also where their provider's health cannot be written."""
    try:
        note(organization, *facts)
    except DatabaseError as error:
        log.warning("the health of a data provider is not noted", error=str(error).strip())


_held_by: dict[Flight, Runner] = {}
_flights = Flights(_begin)
