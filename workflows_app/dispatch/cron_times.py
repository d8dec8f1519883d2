"""When a cron expression comes due in a time zone, also where the zone's clock jumps.

The rule is the one of Vixie's cron and cronie:

- An expression with fixed hours (`30 2 * * *`, `0 9-17 * * 1-5`, `@daily`) follows the clock on the wall. A time that
  the clock leaves out runs once, at the first moment after the gap; several that fall into one gap are one run. A time
  that the clock shows twice runs once, the first time.
- An expression whose hours are given by `*` or `/` (`*/15 * * * *`, `0 */2 * * *`, `@hourly`) follows time as it
  passes: it runs at every real moment at which the clock shows one of its times, twice where the clock goes back, and
  not for times that the clock leaves out. What runs every n minutes does so right through the change.

A day of the month may be `l` (the last), a day of the week `5#2` (the second Friday) or `L5` (the last one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import cast
from zoneinfo import ZoneInfo

from croniter import croniter

# No clock was ever set by more than a day: Samoa's skipped one is the longest step.
LONGEST_STEP = timedelta(hours=26)
MOST_COUNTED = 1000
_LOOK_BACK = tuple(timedelta(hours=hours) for hours in (1, 24, 24 * 32, 24 * 366))
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The times between two moments: the last one, the one before it, and how many there are, counted up to a limit."""

    latest: datetime
    before: datetime | None
    count: int

    @property
    def earlier(self) -> str:
        """How many there are before the latest, in words."""
        number = self.count - 1
        if self.count > MOST_COUNTED:
            return f"more than {MOST_COUNTED - 1:,} earlier times"
        return "1 earlier time" if number == 1 else f"{number} earlier times"


@lru_cache(maxsize=10_000)
def next_after(cron: str, zone: str, moment: datetime) -> datetime | None:
    """The first time after the moment, in UTC; None where there is none within fifty years.

    Raises ValueError for what is no cron expression or no time zone.
    """
    return next(_times(cron, zone, moment), None)


def next_times(cron: str, zone: str, moment: datetime, count: int) -> list[datetime]:
    """The next times after the moment, in UTC; fewer than `count` where there are no more. Raises ValueError."""
    return list(islice(_times(cron, zone, moment), count))


@lru_cache(maxsize=10_000)
def stretch(cron: str, zone: str, first: datetime, until: datetime) -> Stretch:
    """The times from `first`, which is taken for one of them, to `until`. Raises ValueError."""
    found = [first, *_between(cron, zone, first, until, MOST_COUNTED)]
    if len(found) > MOST_COUNTED:
        found = _last_ones(cron, zone, first, until)
        return Stretch(found[-1], found[-2], MOST_COUNTED + 1)
    return Stretch(found[-1], found[-2] if len(found) > 1 else None, len(found))


def _between(cron: str, zone: str, after: datetime, until: datetime, most: int | None = None) -> list[datetime]:
    return list(islice(takewhile(lambda at: at <= until, _times(cron, zone, after)), most))


def _last_ones(cron: str, zone: str, first: datetime, until: datetime) -> list[datetime]:
    """At least the last two times of a stretch that has many."""
    for span in _LOOK_BACK:
        if len(found := _between(cron, zone, max(first, until - span), until)) > 1:
            return found
    return [first, *_between(cron, zone, first, until)]


def _times(cron: str, zone: str, moment: datetime) -> Iterator[datetime]:
    try:
        place = ZoneInfo(zone)
    except (KeyError, OSError) as error:
        raise ValueError(f"There is no such time zone as {zone!r}.") from error
    try:
        yield from (_as_time_passes if _follows_time(cron) else _by_the_wall)(cron, place, moment)
    except OverflowError:  # the calendar ends with the year 9999
        return


def _follows_time(cron: str) -> bool:
    fields = cron.split()
    return cron.strip() == "@hourly" if len(fields) != 5 else bool({"*", "/"} & set(fields[1]))


# --- Two ways to go on -----------------------------------------------------------------------------------------------


def _by_the_wall(cron: str, zone: ZoneInfo, moment: datetime) -> Iterator[datetime]:
    last = moment.astimezone(UTC)
    for shown in _shown(cron, _wall(last, zone)):
        at = _first_moment(shown, zone)
        if at > last:
            yield at
            last = at


def _as_time_passes(cron: str, zone: ZoneInfo, moment: datetime) -> Iterator[datetime]:
    last = moment.astimezone(UTC)
    while (at := _next_as_time_passes(cron, zone, last)) is not None:
        yield at
        last = at


def _next_as_time_passes(cron: str, zone: ZoneInfo, moment: datetime) -> datetime | None:
    start = _wall(moment, zone)
    change = _change_soon(zone, moment)
    if change is not None:
        # Until the clock changes, it shows what it would have shown anyway; afterwards it may show the same again.
        shown = next(_shown(cron, start), None)
        if shown is None or (at := _instant(shown, _offset(zone, moment))) < change:
            return at if shown is not None else None
        moment, start = change - _SECOND, _wall(change, zone) - _SECOND
    for shown in _shown(cron, start):
        for at in _moments(shown, zone):
            if at > moment:
                return at
    return None


# --- The clock on the wall -------------------------------------------------------------------------------------------


def _shown(cron: str, start: datetime) -> Iterator[datetime]:
    """What the clock shows at the times of the expression, as if it were never changed. Ends where croniter gives up,
    after fifty years without a time, or with the calendar."""
    iterator = croniter(cron, start.replace(microsecond=0))
    while True:
        try:
            yield cast(datetime, iterator.get_next(datetime))
        except (ValueError, OverflowError):
            return


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _instant(shown: datetime, offset: timedelta) -> datetime:
    return (shown - offset).replace(tzinfo=UTC)


def _moments(shown: datetime, zone: ZoneInfo) -> list[datetime]:
    """The moments at which the clock shows this: none in a gap, two where it goes back."""
    found = {_instant(shown, _local_offset(shown, zone, fold)) for fold in (0, 1)}
    return sorted(at for at in found if _wall(at, zone) == shown)


def _first_moment(shown: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the clock shows this, or the one after the gap that leaves it out."""
    if moments := _moments(shown, zone):
        return moments[0]
    earlier, later = (_instant(shown, _local_offset(shown, zone, fold)) for fold in (1, 0))
    return _first_change(zone, min(earlier, later), max(earlier, later))


def _local_offset(shown: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    return shown.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()


def _change_soon(zone: ZoneInfo, moment: datetime) -> datetime | None:
    """When the clock changes next, where that is so soon that it may show again what it has shown already."""
    end = moment + LONGEST_STEP
    return _first_change(zone, moment, end) if _offset(zone, moment) != _offset(zone, end) else None


def _first_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The first second that has another offset than `start`; `end` has one."""
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    before = _offset(zone, start)
    while end - start > _SECOND:
        middle = start + timedelta(seconds=(end - start) // _SECOND // 2)
        if _offset(zone, middle) == before:
            start = middle
        else:
            end = middle
    return end
