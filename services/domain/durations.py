"""Where a duration ends, and what was counted until then (docs/deadlines.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import (
    DAY,
    EARLIEST,
    FOREVER,
    HOUR,
    MINUTE,
    QUARTER_HOUR,
    Instant,
    from_datetime,
    to_datetime,
)
from schemas.policy.deadlines import Duration
from services.domain.calendar import ONE_DAY, DayKind, WorkingDays

Pause = tuple[Instant, Instant]
"""[from, to) during which the clock rests; to is FOREVER while nobody knows its end."""

_REMEMBERED: Final = 1 << 16
_NOT_EARLY: Final = 2000


class Interval(NamedTuple):
    """[begins_at, ends_at) that was counted: a stretch of the wall clock, or of one working day."""

    begins_at: Instant
    ends_at: Instant
    day: date | None = None
    kind: DayKind | None = None


class SkippedDay(NamedTuple):
    """A day that was not counted because nobody works on it."""

    day: date
    kind: DayKind


class Counted(NamedTuple):
    """How a deadline came about.

    ``pauses`` are those between start and end, joined where they touch. Of working days only those
    that lie in them as a whole are not counted; these are not among the ``skipped``. While the
    clock rests without an end ``ends_at`` is FOREVER. ``rule``: which entry of the list set it.
    """

    started_at: Instant
    ends_at: Instant
    intervals: tuple[Interval, ...]
    skipped: tuple[SkippedDay, ...]
    pauses: tuple[Pause, ...]
    rule: int | None = None


class Term:
    """A duration in a time zone and a calendar, ready to be counted from any instant."""

    __slots__ = ("_ends", "_length", "_zone", "duration", "working_days")

    def __init__(self, duration: Duration, zone: ZoneInfo, working_days: WorkingDays) -> None:
        self.duration = duration
        self.working_days = working_days
        self._zone = zone
        self._length = duration.minutes * MINUTE + duration.hours * HOUR + duration.days * DAY
        self._ends: dict[int, Instant] = {}

    def ends_at(self, started_at: Instant, pauses: Sequence[Pause] = ()) -> Instant:
        """The instant at which it ends, at most FOREVER.

        Raises:
            CalendarError: it needs a year whose working days are not known.
        """
        if pauses:
            return self.counted(started_at, pauses).ends_at
        if self._length:
            ends_at = started_at + self._length
            return ends_at if ends_at < FOREVER else FOREVER  # noqa: FURB136 - a call of min() takes longer than all of this
        known = self._ends.get(started_at // QUARTER_HOUR)
        return self._ends_at(started_at) if known is None else known

    def counted(self, started_at: Instant, pauses: Sequence[Pause] = ()) -> Counted:
        """The same, and everything that was counted or left out.

        Raises:
            CalendarError: it needs a year whose working days are not known.
        """
        rests = _joined(pauses)
        found = (self._on_the_wall if self._length else self._in_days)(started_at, rests)
        met = (rest for rest in rests if rest[0] < found.ends_at and started_at < rest[1])
        return found._replace(pauses=tuple(met))

    def _ends_at(self, started_at: Instant) -> Instant:
        ends_at = self._in_days(started_at, ()).ends_at
        if self.duration.ends == "day_end":
            # All that starts in one quarter hour ends alike, unless a day begins within it.
            bucket = started_at // QUARTER_HOUR
            first, last = bucket * QUARTER_HOUR, (bucket + 1) * QUARTER_HOUR - 1
            if self._local(first).date() == self._local(last).date():
                if len(self._ends) >= _REMEMBERED:
                    self._ends.clear()
                self._ends[bucket] = ends_at
        return ends_at

    def _on_the_wall(self, started_at: Instant, rests: Sequence[Pause]) -> Counted:
        intervals, at, left = [], started_at, self._length
        for begins_at, ends_at in rests:
            if begins_at >= at + left:
                break
            if ends_at <= at:
                continue
            if begins_at > at:
                intervals.append(Interval(at, begins_at))
                left -= begins_at - at
            at = ends_at
            if at >= FOREVER:
                return Counted(started_at, FOREVER, tuple(intervals), (), ())
        end = min(at + left, FOREVER)
        return Counted(started_at, end, (*intervals, Interval(at, end)), (), ())

    def _in_days(self, started_at: Instant, rests: Sequence[Pause]) -> Counted:
        local = self._local(started_at)
        today = local.date()
        tomorrow = today + ONE_DAY
        intervals: list[Interval] = []
        skipped: list[SkippedDay] = []
        begun = self._begun(today, rests)
        if begun is not None:
            intervals.append(Interval(started_at, midnight(tomorrow, self._zone), today, begun))
        left = self.duration.working_days or 0
        first = today if self.duration.starts == "same_day" else tomorrow
        for day, kind in self._days(first, rests):
            if not kind.is_working:
                skipped.append(SkippedDay(day, kind))
                continue
            left -= 1
            begins_at = max(started_at, midnight(day, self._zone))
            ends_at = midnight(day + ONE_DAY, self._zone)
            if begun is not None and not left:
                ends_at = from_datetime(datetime.combine(day, local.timetz()))
            if begins_at < ends_at:
                intervals.append(Interval(begins_at, ends_at, day, kind))
            if not left:
                return Counted(started_at, ends_at, tuple(intervals), tuple(skipped), ())
        return Counted(started_at, FOREVER, tuple(intervals), tuple(skipped), ())

    def _begun(self, today: date, rests: Sequence[Pause]) -> DayKind | None:
        """The kind of the dispatch's day if the rest of it counts: the last one ends as early."""
        if self.duration.ends == "day_end" or self._rests_until(today, rests) is not None:
            return None
        kind = self.working_days.kind(today)
        return kind if kind.is_working else None

    def _days(self, day: date, rests: Sequence[Pause]) -> Iterator[tuple[date, DayKind]]:
        """The days from one on, without those that the clock rests all day; ends if it never runs."""
        while True:
            until = self._rests_until(day, rests)
            if until is None:
                yield day, self.working_days.kind(day)
                day += ONE_DAY
            elif until >= FOREVER:
                return
            else:
                day = self._local(until).date()

    def _rests_until(self, day: date, rests: Sequence[Pause]) -> Instant | None:
        """The end of the pause in which a day lies as a whole."""
        if not rests:
            return None
        begins_at, ends_at = midnight(day, self._zone), midnight(day + ONE_DAY, self._zone)
        return next(
            (rest[1] for rest in rests if rest[0] <= begins_at and ends_at <= rest[1]), None
        )

    def _local(self, at: Instant) -> datetime:
        return to_datetime(at).astimezone(self._zone)


@lru_cache(maxsize=4096)
def midnight(day: date, zone: ZoneInfo) -> Instant:
    """The instant at which a local day begins, within EARLIEST and FOREVER."""
    try:
        return from_datetime(datetime(day.year, day.month, day.day, tzinfo=zone))
    except ValueError:
        return EARLIEST if day.year < _NOT_EARLY else FOREVER


def _joined(pauses: Sequence[Pause]) -> tuple[Pause, ...]:
    """In order; those that overlap or touch are one, empty ones are none."""
    found: list[Pause] = []
    for begins_at, ends_at in sorted(pause for pause in pauses if pause[0] < pause[1]):
        if found and begins_at <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends_at, found[-1][1]))
        else:
            found.append((begins_at, ends_at))
    return tuple(found)
