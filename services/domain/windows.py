"""Business time: which instants a cycle, an operational day, a week or a year covers.

Windows are half open, [begins_at, ends_at), and named by their end: the cycle 2026-11 of a
district that starts on the 19th is [19 October, 19 November). All bounds are local times in the
policy's zone, so a day on which clocks change has 23 or 25 hours. The policy's ``cycle`` says
where a cycle, an operational day, a week and the assessment year begin (domain.md 3.1).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, get_args
from zoneinfo import ZoneInfo

from schemas.instants import (
    DAY,
    EARLIEST,
    QUARTER_HOUR,
    Instant,
    format_instant,
    from_datetime,
    to_datetime,
)
from schemas.policy.document import Cycle, Weekday

KINDS: Final = ("cycle", "day", "week", "month", "quarter", "year")
ROLLING: Final = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
"""Windows of a length, in microseconds of elapsed time, that end at the instant looked from."""

_WEEKDAYS: Final[tuple[str, ...]] = get_args(Weekday)
_MONTHLY: Final = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_DAILY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_QUARTERLY: Final = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)
_YEARLY: Final = re.compile(r"(\d{4})", re.ASCII)
_NAMES: Final = {
    "cycle": (_MONTHLY, "2026-11"),
    "day": (_DAILY, "2026-11-22"),
    "week": (_DAILY, "2026-11-26"),
    "month": (_MONTHLY, "2026-11"),
    "quarter": (_QUARTERLY, "2026-Q4"),
    "year": (_YEARLY, "2026"),
}
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
"""How long kinds are that have a number of months."""


class WindowError(ValueError):
    """There is no such window. The message says what a name looks like."""


class BusinessTime(Protocol):
    """What windows need of a policy."""

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone of all bounds."""

    @property
    def cycle(self) -> Cycle:
        """How time is cut."""


class Window(NamedTuple):
    """[begins_at, ends_at) under a name that is unique within its kind."""

    kind: str
    name: str
    begins_at: Instant
    ends_at: Instant


def window(policy: BusinessTime, kind: str, name: str | None, at: Instant) -> Window:
    """The window of ``kind`` called ``name``; without a name, the one that holds ``at``.

    Names: month ``2026-11``; day ``2026-11-22`` (noon of the 21st to noon of the 22nd, where days
    end at noon); week by its last day ``2026-11-26``; quarter ``2026-Q4``; year ``2026``, in which
    it ends. A cycle is named as the month or quarter in which it ends. A rolling window (24h, 7d,
    30d) ends at ``at`` and takes no name; its own is the instant at which it ends.

    Raises:
        WindowError: unknown kind, or a name that names no window of this kind.
    """
    if kind in ROLLING:
        return rolling(kind, name, at)
    if kind not in KINDS:
        raise WindowError(f"a window is one of {', '.join((*KINDS, *ROLLING))}")
    local = to_datetime(at).astimezone(policy.time_zone)
    try:
        last = _holding(policy.cycle, kind, local) if name is None else _parse(policy, kind, name)
        return _spanning(policy, kind, last)
    except WindowError:
        raise
    except (ValueError, OverflowError):
        raise WindowError("a window outside the years 1900 to 2299") from None


def custom_window(begins_at: Instant, ends_at: Instant) -> Window:
    """Any interval.

    Raises:
        WindowError: it is empty.
    """
    if begins_at >= ends_at:
        raise WindowError("a window ends after it begins")
    return Window(
        "custom", f"{format_instant(begins_at)}/{format_instant(ends_at)}", begins_at, ends_at
    )


def windows_between(
    policy: BusinessTime, kind: str, begins_at: Instant, ends_at: Instant, most: int
) -> list[Window]:
    """Consecutive windows, the first holds ``begins_at``, the last the instant before ``ends_at``.

    Raises:
        WindowError: there is none, there are more than ``most``, or one lies outside the years.
    """
    found: list[Window] = []
    while begins_at < ends_at and len(found) <= most:
        found.append(window(policy, kind, None, begins_at))
        begins_at = found[-1].ends_at
    if not 0 < len(found) <= most:
        raise WindowError(f"a series has 1 to {most} windows, between from and to")
    return found


def bucket_of(instant: Instant) -> Instant:
    """First instant of the quarter hour of UTC that holds ``instant``."""
    return instant - instant % QUARTER_HOUR


def local_day(instant: Instant, zone: ZoneInfo) -> int:
    """Number of the calendar day in a zone; equal for instants of one local day."""
    # Offsets change on quarter hours only (since 1972), so a bucket lies within one day.
    return _day_of_bucket(bucket_of(instant), zone)


@lru_cache(maxsize=100_000)
def _day_of_bucket(bucket: Instant, zone: ZoneInfo) -> int:
    return to_datetime(bucket).astimezone(zone).toordinal()


def rolling(kind: str, name: str | None, ends_at: Instant) -> Window:
    """The window of a kind of `ROLLING` that ends at an instant.

    Raises:
        WindowError: it has a name, or lies before 1900.
    """
    if name is not None:
        raise WindowError("a rolling window ends at as_of and takes no name")
    begins_at = ends_at - ROLLING[kind]
    if begins_at < EARLIEST:
        raise WindowError("a window outside the years 1900 to 2299")
    return Window(kind, format_instant(ends_at), begins_at, ends_at)


def _holding(cycle: Cycle, kind: str, local: datetime) -> date:
    """The last day of the window of a local time, or the first of that day's month."""
    if kind == "cycle":
        local -= timedelta(hours=cycle.start_hour)
    today, like = local.date(), _like(cycle, kind)
    if like == "day":
        return today + timedelta(days=1) if 0 < cycle.day_cut <= local.hour else today
    if like == "week":
        return today + timedelta(days=(_week_ends(cycle) - today.weekday()) % 7)
    if like == "cycle":
        return first_of_month(today, 1 if today.day >= cycle.start_day else 0)
    months = MONTHS[like]
    first = cycle.year_starts if like == "year" else 1
    return first_of_month(today, months - 1 - (today.month - first) % months)


def _like(cycle: Cycle, kind: str) -> str:
    """What a cycle is like: a month or quarter of the calendar, or nothing else."""
    return cycle.kind if kind == "cycle" and cycle.start_day == 1 else kind


def _parse(policy: BusinessTime, kind: str, name: str) -> date:
    """The same day, from a name."""
    cycle = policy.cycle
    like = _like(cycle, kind)
    pattern, example = _NAMES[like]
    match = pattern.fullmatch(name)
    if match is None:
        raise WindowError(f"the name of a {kind} looks like {example}")
    parts = [int(part) for part in match.groups()]
    if like == "quarter":
        parts[1] *= 3
    elif like == "year":
        parts.append((cycle.year_starts + 10) % 12 + 1)
    try:
        last = date(*[*parts, 1][:3])
    except ValueError:
        raise WindowError(f"the name of a {kind} is a date of the calendar") from None
    if like == "week" and last.weekday() != _week_ends(cycle):
        weekday = _WEEKDAYS[_week_ends(cycle)].capitalize()
        raise WindowError(f"a week is named by its last day, a {weekday}")
    return last


def _week_ends(cycle: Cycle) -> int:
    """The weekday, Monday is 0."""
    return (_WEEKDAYS.index(cycle.week_starts) - 1) % 7


def _spanning(policy: BusinessTime, kind: str, last: date) -> Window:
    """The window that ends with a day, or in its month."""
    cycle, zone = policy.cycle, policy.time_zone
    hour, like = cycle.start_hour if kind == "cycle" else 0, _like(cycle, kind)
    if like == "day":
        name, begins, ends, hour = last.isoformat(), last, last, cycle.day_cut
        if hour:
            begins -= timedelta(days=1)
        else:
            ends += timedelta(days=1)
    elif like == "week":
        name = last.isoformat()
        begins, ends = last - timedelta(days=6), last + timedelta(days=1)
    elif like == "cycle":
        name = f"{last:%Y-%m}"
        begins, ends = (first_of_month(last, late).replace(day=cycle.start_day) for late in (-1, 0))
    else:
        begins, ends = first_of_month(last, 1 - MONTHS[like]), first_of_month(last, 1)
        name = {
            "month": f"{last:%Y-%m}",
            "quarter": f"{last:%Y}-Q{last.month // 3}",
            "year": f"{last:%Y}",
        }[like]
    return Window(kind, name, _local(begins, hour, zone), _local(ends, hour, zone))


def first_of_month(day: date, later: int = 0) -> date:
    """The first day of the month, so many months later."""
    months = day.year * 12 + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)


def _local(day: date, hour: int, zone: ZoneInfo) -> Instant:
    return from_datetime(datetime(day.year, day.month, day.day, hour, tzinfo=zone))
